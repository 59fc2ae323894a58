//! Converts failures and panics to JavaScript errors.

use napi::{sys, Env, Error, Status};
use std::any::Any;
use std::ffi::{c_char, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Once;
use tokenbed_binding::Failure;

/// Runs the body of an export: a [`Failure`] or a panic is thrown as `ERR_INTERNAL`.
///
/// User errors do not take this path: TypeScript checks arguments first, and bad ids are a status.
pub fn export<T>(env: &Env, body: impl FnOnce() -> Result<T, Failure>) -> napi::Result<T> {
    static QUIET: Once = Once::new();
    // The error contains the message, so the panic hook must not also print it to the user's stderr.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| ())));
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(throw(env, &failure.to_string())),
        Err(panic) => Err(throw(env, panic_text(&*panic))),
    }
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
