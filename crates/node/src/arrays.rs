//! JavaScript arrays as slices: the only module in which the addon takes pointers from the engine.
//!
//! Why it is sound: an argument is borrowed for one synchronous call. No JavaScript of its thread runs during the call,
//! so nothing can detach, shrink or write the array. Lengths are read in the same call as pointers (a detached array
//! has length 0). TypeScript has copied inputs on a SharedArrayBuffer. An output becomes a reference only after the
//! check for overlap with every input. An output on a SharedArrayBuffer is only written, and other threads may see it
//! half-written.

#![expect(
    unsafe_code,
    reason = "JavaScript arrays as slices; the data of the environment"
)]

use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, ValidateNapiValue};
use napi::{check_status, sys, Env, Status, ValueType};
use std::ptr::NonNull;
use std::slice::{from_raw_parts, from_raw_parts_mut};
use tokenbed_binding::arrays::{At, Cuts};
use tokenbed_binding::whole::Whole;
use tokenbed_binding::Failure;
use tokenbed_core::indices::Ids;

/// The values of `napi_typedarray_type`.
mod kind {
    pub const I8: i32 = 0;
    pub const U8: i32 = 1;
    pub const U8_CLAMPED: i32 = 2;
    pub const I16: i32 = 3;
    pub const U16: i32 = 4;
    pub const I32: i32 = 5;
    pub const U32: i32 = 6;
    pub const F32: i32 = 7;
    pub const F64: i32 = 8;
}

/// A typed array as the engine describes it.
struct View {
    kind: i32,
    start: *mut u8,
    len: usize,
}

impl View {
    /// # Safety
    /// `env` and `value` are live, as in every `FromNapiValue`.
    unsafe fn new(env: sys::napi_env, value: sys::napi_value) -> napi::Result<View> {
        let (mut kind, mut len, mut start) = (0, 0, std::ptr::null_mut());
        let (buffer, offset) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the out-pointers live for the call; null ones are optional outputs.
        let status = unsafe {
            sys::napi_get_typedarray_info(env, value, &mut kind, &mut len, &mut start, buffer, offset)
        };
        if status != sys::Status::napi_ok {
            return Err(expected("a typed array"));
        }
        Ok(View {
            kind,
            start: start.cast(),
            len,
        })
    }

    /// A view that must have one kind.
    ///
    /// # Safety
    /// As [`View::new`].
    unsafe fn of(env: sys::napi_env, value: sys::napi_value, kind: i32, name: &str) -> napi::Result<View> {
        // SAFETY: the caller upholds the same requirements.
        let view = unsafe { View::new(env, value)? };
        match view.kind == kind {
            true => Ok(view),
            false => Err(expected(name)),
        }
    }

    fn slice<T>(&self) -> &[T] {
        match NonNull::new(self.start.cast::<T>()) {
            // SAFETY: the engine's pointer is aligned for the array's kind and valid for its length while the
            // call lasts (see the top of the file); each caller passes the T of the kind.
            Some(start) if self.len > 0 => unsafe { from_raw_parts(start.as_ptr(), self.len) },
            _ => &[],
        }
    }

    fn whole<T>(&mut self) -> Whole<'_, T> {
        let start = match self.len {
            0 => NonNull::dangling().as_ptr(),
            _ => self.start.cast(),
        };
        // SAFETY: see the top of the file; each caller passes the T of the kind.
        unsafe { Whole::new(start, self.len) }
    }

    fn slice_mut<T>(&mut self) -> &mut [T] {
        match NonNull::new(self.start.cast::<T>()) {
            // SAFETY: as in `slice`; the callers have no reference to another array of the same kind meanwhile.
            Some(start) if self.len > 0 => unsafe { from_raw_parts_mut(start.as_ptr(), self.len) },
            _ => &mut [],
        }
    }
}

/// The error of an argument of another kind.
#[cold]
#[inline(never)]
fn expected(what: &str) -> napi::Error {
    napi::Error::new(Status::InvalidArg, format!("expected {what}"))
}

macro_rules! argument {
    ($(#[$doc:meta])* $name:ident, $js:literal, |$env:ident, $value:ident| $view:expr) => {
        $(#[$doc])*
        pub struct $name(View);

        impl TypeName for $name {
            fn type_name() -> &'static str {
                $js
            }
            fn value_type() -> ValueType {
                ValueType::Object
            }
        }

        impl ValidateNapiValue for $name {}

        impl FromNapiValue for $name {
            unsafe fn from_napi_value($env: sys::napi_env, $value: sys::napi_value) -> napi::Result<Self> {
                // SAFETY: the caller upholds the same requirements.
                unsafe { $view }.map($name)
            }
        }
    };
}

argument!(
    /// Ids, offsets or positions: any integer array of up to 32 bits, read in place.
    Integers, "TypedArray", |env, value| View::new(env, value).and_then(|view| match view.kind {
        kind::I8..=kind::U32 => Ok(view),
        _ => Err(expected("integers of up to 32 bits")),
    })
);
argument!(
    /// An input Float32Array.
    Floats, "Float32Array", |env, value| View::of(env, value, kind::F32, "a Float32Array")
);
argument!(
    /// An output Float32Array.
    FloatsOut, "Float32Array", |env, value| View::of(env, value, kind::F32, "a Float32Array")
);
argument!(
    /// An input or output Uint32Array.
    IdsOut, "Uint32Array", |env, value| View::of(env, value, kind::U32, "a Uint32Array")
);
argument!(
    /// An input Uint8Array.
    Bytes, "Uint8Array", |env, value| View::of(env, value, kind::U8, "a Uint8Array")
);
argument!(
    /// An output Uint8Array.
    BytesOut, "Uint8Array", |env, value| View::of(env, value, kind::U8, "a Uint8Array")
);
argument!(
    /// An input or output Float64Array.
    Doubles, "Float64Array", |env, value| View::of(env, value, kind::F64, "a Float64Array")
);

impl Integers {
    /// The integers, unchecked.
    pub fn ids(&self) -> Ids<'_> {
        match self.0.kind {
            kind::I8 => Ids::I8(self.0.slice()),
            kind::U8 | kind::U8_CLAMPED => Ids::U8(self.0.slice()),
            kind::I16 => Ids::I16(self.0.slice()),
            kind::U16 => Ids::U16(self.0.slice()),
            kind::I32 => Ids::I32(self.0.slice()),
            _ => Ids::U32(self.0.slice()),
        }
    }
}

impl Floats {
    /// All values.
    pub fn slice(&self) -> &[f32] {
        self.0.slice()
    }
}

impl FloatsOut {
    /// All values, as an output. They become a slice after the check for overlap with the inputs.
    pub fn whole(&mut self) -> Whole<'_> {
        self.0.whole()
    }
}

impl IdsOut {
    /// All ids, as an input.
    pub fn slice(&self) -> &[u32] {
        self.0.slice()
    }

    /// All ids, as an output of a call that has no reference to another array while this one lasts.
    pub fn slice_mut(&mut self) -> &mut [u32] {
        self.0.slice_mut()
    }

    /// All ids, as an output.
    pub fn whole(&mut self) -> Whole<'_, u32> {
        self.0.whole()
    }
}

impl Bytes {
    /// All bytes.
    pub fn slice(&self) -> &[u8] {
        self.0.slice()
    }
}

impl BytesOut {
    /// All bytes, as an output.
    pub fn whole(&mut self) -> Whole<'_, u8> {
        self.0.whole()
    }
}

impl Doubles {
    /// All values.
    pub fn slice(&self) -> &[f64] {
        self.0.slice()
    }

    /// All values, mutable.
    pub fn slice_mut(&mut self) -> &mut [f64] {
        self.0.slice_mut()
    }

    /// Writes the numbers of a loss, and returns its status.
    pub fn answer(&mut self, (status, numbers): (f64, [f64; 2])) -> Result<f64, Failure> {
        let to = self.slice_mut().first_chunk_mut();
        *to.ok_or(Failure::Argument("room for two numbers"))? = numbers;
        Ok(status)
    }
}

/// A number, or an index array.
pub enum NumberOrIds {
    /// The number.
    Number(f64),
    /// The array.
    Ids(Integers),
}

/// The number of equal bags, or the offsets of bags.
pub type BagsOrIds = NumberOrIds;

impl NumberOrIds {
    /// As positions.
    pub fn at(&self) -> At<Ids<'_>> {
        match self {
            NumberOrIds::Number(start) => At::From(*start as usize),
            NumberOrIds::Ids(ids) => At::Ids(ids.ids()),
        }
    }

    /// As bags.
    pub fn cuts(&self) -> Cuts<Ids<'_>> {
        match self {
            NumberOrIds::Number(bags) => Cuts::Equal(*bags as usize),
            NumberOrIds::Ids(offsets) => Cuts::At {
                offsets: offsets.ids(),
                include_last: false,
            },
        }
    }
}

impl TypeName for NumberOrIds {
    fn type_name() -> &'static str {
        "number | TypedArray"
    }
    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl ValidateNapiValue for NumberOrIds {}

impl FromNapiValue for NumberOrIds {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let mut number = 0.0;
        // SAFETY: `env` and `value` are live, and the out-pointer lives for the call.
        if unsafe { sys::napi_get_value_double(env, value, &mut number) } == sys::Status::napi_ok {
            return Ok(NumberOrIds::Number(number));
        }
        // SAFETY: the caller upholds the same requirements.
        unsafe { Integers::from_napi_value(env, value) }.map(NumberOrIds::Ids)
    }
}

/// A value or `undefined`. napi-rs would convert `None` to `null`.
pub struct OrUndefined<T>(pub Option<T>);

impl<T: ToNapiValue> ToNapiValue for OrUndefined<T> {
    unsafe fn to_napi_value(env: sys::napi_env, value: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller upholds the same requirements.
        unsafe {
            match value.0 {
                Some(value) => T::to_napi_value(env, value),
                None => <()>::to_napi_value(env, ()),
            }
        }
    }
}

/// A JavaScript value to return.
pub struct Raw(sys::napi_value);

impl ToNapiValue for Raw {
    unsafe fn to_napi_value(_: sys::napi_env, value: Self) -> napi::Result<sys::napi_value> {
        Ok(value.0)
    }
}

/// An ordinary Float32Array over values of this addon; `None` if the engine does not allow such views, or not of this
/// length. The receiver must drop it before the values are freed.
pub fn view(env: &Env, values: &mut [f32]) -> Option<Raw> {
    unsafe extern "C" fn nothing(_: sys::napi_env, _: *mut std::ffi::c_void, _: *mut std::ffi::c_void) {}
    let env = env.raw();
    let (mut buffer, mut view) = (std::ptr::null_mut(), std::ptr::null_mut());
    let (start, bytes) = (values.as_mut_ptr().cast(), size_of_val(values));
    let no_hint = std::ptr::null_mut();
    // SAFETY: `env` is live and the out-pointers live for the calls. The memory never moves and outlives the view (see
    // above), and the view frees nothing.
    let made = unsafe {
        sys::napi_create_external_arraybuffer(env, start, bytes, Some(nothing), no_hint, &mut buffer)
            == sys::Status::napi_ok
            && sys::napi_create_typedarray(env, kind::F32, values.len(), buffer, 0, &mut view)
                == sys::Status::napi_ok
    };
    if !made {
        // An engine that rejects the length also throws. The exception is cleared, because this is not an error here.
        // SAFETY: as above.
        unsafe { sys::napi_get_and_clear_last_exception(env, &mut view) };
    }
    made.then_some(Raw(view))
}

/// Calls `work` with the data of this environment, which is created at the first call and dropped at its end.
pub fn with_instance_data<T: Default, R>(env: &Env, work: impl FnOnce(&mut T) -> R) -> R {
    unsafe extern "C" fn drop_it<T>(_: sys::napi_env, data: *mut std::ffi::c_void, _: *mut std::ffi::c_void) {
        // SAFETY: the pointer came from Box::into_raw below, and the engine calls this once.
        drop(unsafe { Box::from_raw(data.cast::<T>()) });
    }
    // Every export contains the rest of the code.
    #[cold]
    #[inline(never)]
    fn create<T: Default>(env: sys::napi_env) -> *mut std::ffi::c_void {
        let data = Box::into_raw(Box::<T>::default()).cast();
        // SAFETY: `env` is live, and the data is dropped by the engine alone.
        unsafe { sys::napi_set_instance_data(env, data, Some(drop_it::<T>), std::ptr::null_mut()) };
        data
    }
    let raw = env.raw();
    let mut data = std::ptr::null_mut();
    // SAFETY: `env` is live; only `create` sets the data, always with a Box<T> of the same T. The
    // reference lasts for one export, and no export calls another.
    let owned = unsafe {
        sys::napi_get_instance_data(raw, &mut data);
        if data.is_null() {
            data = create::<T>(raw);
        }
        &mut *data.cast::<T>()
    };
    work(owned)
}

/// Tells the engine that JavaScript objects hold this many more bytes outside its heap.
pub fn report_bytes(env: &Env, change: i64) -> napi::Result<()> {
    if change == 0 {
        return Ok(());
    }
    let mut total = 0;
    // SAFETY: `env` is live and the out-pointer lives for the call.
    check_status!(unsafe { sys::napi_adjust_external_memory(env.raw(), change, &mut total) })
}
