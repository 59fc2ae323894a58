//! The objects of an instance of a WASM module.

#![expect(unsafe_code, reason = "a value that one call at a time uses")]

use std::cell::UnsafeCell;

/// A value of the instance, lent to one call at a time.
///
/// No flag marks it as lent: if the engine's stack overflows inside an import, JavaScript's RangeError skips Rust's
/// destructors, and a flag would stay set forever. The value is still consistent then, since imports only copy arrays.
pub struct Owned<T>(UnsafeCell<Option<T>>);

// SAFETY: the module runs on one thread.
unsafe impl<T> Sync for Owned<T> {}

impl<T: Default> Owned<T> {
    /// An empty cell. The value is created when it is first lent.
    pub const fn empty() -> Self {
        Owned(UnsafeCell::new(None))
    }

    /// Lends the value to one export.
    pub fn lend<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: no export calls another, and no import calls an export, so this is the only reference.
        work(unsafe { &mut *self.0.get() }.get_or_insert_default())
    }
}
