//! Converts failures and panics to JavaScript errors.

use napi::{sys, Env, Error, Status};
use std::any::Any;
use std::ffi::{c_char, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Once;
#[cfg(unix)]
use tokenbed_binding::status::Cut;
use tokenbed_binding::Failure;

/// Runs the body of an export: a [`Failure`] or a panic is thrown as `ERR_INTERNAL`, a file that was cut short as
/// `ERR_FORMAT`.
///
/// Other user errors do not take this path: TypeScript checks arguments first, and bad ids are a status.
pub fn export<T>(env: &Env, body: impl FnOnce() -> Result<T, Failure>) -> napi::Result<T> {
    static QUIET: Once = Once::new();
    if !QUIET.is_completed() {
        quiet(&QUIET);
    }
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(throw_failure(env, &failure)),
        Err(panic) => Err(throw_panic(env, &*panic)),
    }
}

// Every export contains the code above: the rest is called.

#[cold]
#[inline(never)]
fn quiet(once: &Once) {
    // The error contains the message, so the panic hook must not also print it to the user's stderr.
    once.call_once(|| std::panic::set_hook(Box::new(|_| ())));
}

#[cold]
#[inline(never)]
fn throw_failure(env: &Env, failure: &Failure) -> Error {
    match failure {
        #[cfg(unix)]
        Failure::Cut(cut) => throw_cut(env, cut),
        failure => throw(env, &failure.to_string()),
    }
}

#[cold]
#[inline(never)]
fn throw_panic(env: &Env, panic: &(dyn Any + Send)) -> Error {
    throw(env, panic_text(panic))
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic")
}

/// Leaves an exception pending: the plain error that `ts/backend/native.ts` attaches as `cause`.
#[expect(unsafe_code, reason = "throwing past napi-rs")]
fn throw(env: &Env, text: &str) -> Error {
    let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
    let code = c"ERR_INTERNAL".as_ptr().cast::<c_char>();
    // SAFETY: `env` is live, and both strings are NUL-terminated and outlive the call.
    unsafe { sys::napi_throw_error(env.raw(), code, text.as_ptr()) };
    Error::new(Status::PendingException, String::new())
}

/// Leaves the error of a file that was cut short pending: it is the user's, with the fields `path` and `rule`.
#[cfg(unix)]
#[expect(unsafe_code, reason = "throwing past napi-rs")]
fn throw_cut(env: &Env, cut: &Cut) -> Error {
    let raw = env.raw();
    let string = |text: &str| {
        let mut value = std::ptr::null_mut();
        // SAFETY: `raw` is live, the text has this length, and the out-pointer lives for the call.
        unsafe { sys::napi_create_string_utf8(raw, text.as_ptr().cast(), text.len() as isize, &mut value) };
        value
    };
    let (code, message) = (
        string("ERR_FORMAT"),
        string(&format!("{}: {}", cut.path, cut.rule)),
    );
    let mut error = std::ptr::null_mut();
    // SAFETY: `raw` is live, the values were created in it, and the names are NUL-terminated.
    unsafe {
        sys::napi_create_error(raw, code, message, &mut error);
        sys::napi_set_named_property(raw, error, c"path".as_ptr(), string(&cut.path));
        sys::napi_set_named_property(raw, error, c"rule".as_ptr(), string(&cut.rule));
        sys::napi_throw(raw, error);
    }
    Error::new(Status::PendingException, String::new())
}
