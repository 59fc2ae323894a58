//! JavaScript arrays as slices, in tiles: the one place that knows what lies in linear memory.
//!
//! An array whose buffer is the module's own memory is used where it lies. Any other is copied, a tile at a
//! time, through a fixed scratch area; so a call never grows the memory, however large its arrays are. No
//! JavaScript runs during a call but the copies of `border.js`, so what was checked stays checked.

#![expect(unsafe_code, reason = "arrays and scratch in linear memory as slices")]

use std::cell::UnsafeCell;
use std::ops::Range;
use tokenbed_core::checked::{Ids, Indices};
use tokenbed_core::host::{self, Failure};
use tokenbed_core::simd::Isa;
use tokenbed_core::window::Window;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/border.js")]
extern "C" {
    pub fn attach(memory: &JsValue);
    fn look(array: &JsValue, to: *mut u8) -> i32;
    fn load(to: *mut u8, array: &JsValue, kind: i32, start: u32, end: u32);
    fn store(from: *const u8, array: &JsValue, kind: i32, start: u32, end: u32);
}

/// The places of `KINDS` in border.js.
mod kind_of {
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

/// Entries of one tile of an index array: 256 KiB of 32-bit ids.
pub const INDEX_TILE: usize = 1 << 16;
/// Values of one tile of a float array: 512 KiB, so that input and output stay in a 2 MiB cache.
pub const FLOAT_TILE: usize = 1 << 17;

/// What the instance owns, lent to one call at a time.
///
/// There is no flag that says it is lent: when the engine's stack overflows inside an import, JavaScript's
/// RangeError goes past Rust's destructors, and a flag would stay set for ever. Nothing here is half-changed then,
/// since imports only copy arrays.
pub struct Owned<T>(UnsafeCell<T>);

// SAFETY: the module runs on one thread.
unsafe impl<T> Sync for Owned<T> {}

impl<T> Owned<T> {
    /// Takes the value.
    pub const fn new(value: T) -> Self {
        Owned(UnsafeCell::new(value))
    }

    /// Lends it to one export.
    pub fn lend<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: no export calls another, and no import calls an export, so this is the only reference.
        work(unsafe { &mut *self.0.get() })
    }
}

/// How many values `rows` x `dim` are; no array of this host has as many as do not fit.
pub fn size(rows: usize, dim: usize) -> Result<usize, Failure> {
    rows.checked_mul(dim)
        .ok_or(Failure::Short("the address space", usize::MAX, rows))
}

/// A part of the scratch area. Each call uses a part for one argument at most.
#[repr(C, align(64))]
pub struct Part<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

// SAFETY: the module runs on one thread.
unsafe impl<const BYTES: usize> Sync for Part<BYTES> {}

impl<const BYTES: usize> Part<BYTES> {
    const fn new() -> Self {
        Part(UnsafeCell::new([0; BYTES]))
    }
}

/// Where `look` leaves the length of an array and its address: two doubles.
static LOOKED: Part<16> = Part::new();
/// Scratch for the first index argument.
pub static IDS: Part<{ INDEX_TILE * 4 }> = Part::new();
/// Scratch for the second index argument.
pub static SECOND: Part<{ INDEX_TILE * 4 }> = Part::new();
/// Scratch for floats that are read.
pub static INPUT: Part<{ FLOAT_TILE * 4 }> = Part::new();
/// Scratch for floats that are written.
pub static OUTPUT: Part<{ FLOAT_TILE * 4 }> = Part::new();

/// A typed array: where it lies, or which part of it is in the scratch area.
struct View<'a> {
    array: &'a JsValue,
    kind: i32,
    len: usize,
    /// Its address, when it lies in linear memory.
    own: Option<*mut u8>,
    scratch: *mut u8,
    loaded: Range<usize>,
}

impl<'a> View<'a> {
    fn new<const BYTES: usize>(
        array: &'a JsValue,
        wanted: &'static str,
        accepts: impl FnOnce(i32) -> bool,
        scratch: &'static Part<BYTES>,
    ) -> Result<View<'a>, Failure> {
        let looked = LOOKED.0.get();
        let kind = look(array, looked.cast());
        if !accepts(kind) {
            return Err(Failure::Array(wanted));
        }
        // SAFETY: the part is 16 bytes, aligned for doubles, and `look` has just filled it; nobody else writes there.
        let [len, address] = unsafe { looked.cast::<[f64; 2]>().read() };
        let len = len as usize;
        let own = (address >= 0.0).then_some(address as usize as *mut u8);
        Ok(View {
            array,
            kind,
            len,
            own,
            scratch: scratch.0.get().cast(),
            loaded: 0..0,
        })
    }

    fn size(&self) -> usize {
        match self.kind {
            kind_of::I8..=kind_of::U8_CLAMPED => 1,
            kind_of::I16 | kind_of::U16 => 2,
            kind_of::F64 => 8,
            _ => 4,
        }
    }

    /// The address of element `range.start`, `range.len()` elements of which may be read. What is not there yet
    /// is loaded, and with it as much of what follows as `tile` allows: the next ranges are likely to be there.
    fn at(&mut self, range: &Range<usize>, tile: usize) -> *mut u8 {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "range beyond the array"
        );
        if let Some(own) = self.own {
            return own.wrapping_add(range.start * self.size());
        }
        if range.start < self.loaded.start || range.end > self.loaded.end {
            assert!(range.len() <= tile, "range larger than a tile");
            let end = self.len.min(range.start + tile);
            load(
                self.scratch,
                self.array,
                self.kind,
                range.start as u32,
                end as u32,
            );
            self.loaded = range.start..end;
        }
        self.scratch
            .wrapping_add((range.start - self.loaded.start) * self.size())
    }

    /// Elements `range` as a slice.
    ///
    /// # Safety
    /// `T` is the type of the array's kind, and no other view of this call writes its scratch part.
    unsafe fn slice<T>(&mut self, range: Range<usize>, tile: usize) -> &[T] {
        if range.is_empty() {
            return &[];
        }
        let start = self.at(&range, tile);
        // SAFETY: `at` gives an address that is valid for the range: inside the array, or inside the scratch
        // part, both aligned for the kind.
        unsafe { std::slice::from_raw_parts(start.cast(), range.len()) }
    }

    /// The bytes it covers in linear memory; empty elsewhere.
    fn range(&self) -> Range<usize> {
        let start = self.own.map_or(0, |own| own as usize);
        start..start + self.own.map_or(0, |_| self.len * self.size())
    }
}

/// Ids, offsets or positions: any integer array of up to 32 bits.
pub struct Integers<'a>(View<'a>);

impl<'a> Integers<'a> {
    /// Borrows `array`, with `scratch` for its tiles.
    pub fn new(
        array: &'a JsValue,
        scratch: &'static Part<{ INDEX_TILE * 4 }>,
    ) -> Result<Integers<'a>, Failure> {
        let accepts = |kind| (kind_of::I8..=kind_of::U32).contains(&kind);
        View::new(array, "integers of up to 32 bits", accepts, scratch).map(Integers)
    }

    /// The same for an argument that may be absent.
    pub fn optional(
        array: &'a JsValue,
        scratch: &'static Part<{ INDEX_TILE * 4 }>,
    ) -> Result<Option<Integers<'a>>, Failure> {
        (!array.is_undefined())
            .then(|| Integers::new(array, scratch))
            .transpose()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// How many entries one tile may have.
    pub fn most(&self) -> usize {
        if self.0.own.is_some() {
            self.0.len.max(1)
        } else {
            INDEX_TILE
        }
    }

    /// Entries `range`, as they came. At most [`Integers::most`] of them.
    pub fn tile(&mut self, range: Range<usize>) -> Ids<'_> {
        let (view, most) = (&mut self.0, INDEX_TILE);
        // SAFETY: each arm reads the type of its kind; each index argument has a scratch part of its own.
        unsafe {
            match view.kind {
                kind_of::I8 => Ids::I8(view.slice(range, most)),
                kind_of::U8 | kind_of::U8_CLAMPED => Ids::U8(view.slice(range, most)),
                kind_of::I16 => Ids::I16(view.slice(range, most)),
                kind_of::U16 => Ids::U16(view.slice(range, most)),
                kind_of::I32 => Ids::I32(view.slice(range, most)),
                _ => Ids::U32(view.slice(range, most)),
            }
        }
    }

    /// The ranges of the tiles that cover the array.
    pub fn tiles(&self) -> impl Iterator<Item = Range<usize>> {
        let (len, most) = (self.len(), self.most());
        (0..len)
            .step_by(most)
            .map(move |start| start..len.min(start + most))
    }

    /// Checks all entries, tile by tile: `Err` is the first position that is not below `bound`.
    pub fn check(&mut self, isa: Isa, bound: u64) -> Result<(), usize> {
        for range in self.tiles() {
            let start = range.start;
            self.tile(range)
                .check(isa, bound)
                .map_err(|error| start + host::position_of(error))?;
        }
        Ok(())
    }

    /// Entries that [`Integers::check`] has passed already.
    pub fn checked(&mut self, isa: Isa, bound: u64, range: Range<usize>) -> Indices<'_> {
        self.tile(range)
            .check(isa, bound)
            .unwrap_or_else(|error| panic!("changed during the call: {error}"))
    }
}

/// A Float32Array that is read.
pub struct Floats<'a>(View<'a>);

impl<'a> Floats<'a> {
    /// Borrows `array`, of which the call needs `needed` values.
    pub fn new(array: &'a JsValue, what: &'static str, needed: usize) -> Result<Floats<'a>, Failure> {
        let view = View::new(array, "a Float32Array", |kind| kind == kind_of::F32, &INPUT)?;
        match view.len < needed {
            true => Err(Failure::Short(what, view.len, needed)),
            false => Ok(Floats(view)),
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// How many values one tile may have.
    pub fn most(&self) -> usize {
        if self.0.own.is_some() {
            usize::MAX
        } else {
            FLOAT_TILE
        }
    }

    /// Copies all values to `to`, which is as long.
    pub fn copy_to(self, to: &mut [f32]) {
        match self.0.own {
            Some(_) => to.copy_from_slice({ self }.tile(0..to.len())),
            None => load(
                to.as_mut_ptr().cast(),
                self.0.array,
                self.0.kind,
                0,
                to.len() as u32,
            ),
        }
    }

    /// Values `range`, at most [`Floats::most`] of them.
    pub fn tile(&mut self, range: Range<usize>) -> &[f32] {
        // SAFETY: the kind is f32, and only one argument of a call is read through INPUT.
        unsafe { self.0.slice(range, FLOAT_TILE) }
    }
}

/// A Float32Array that is written.
pub struct FloatsOut<'a>(View<'a>);

impl<'a> FloatsOut<'a> {
    /// Borrows `array`, of which the call writes `needed` values.
    pub fn new(array: &'a JsValue, needed: usize) -> Result<FloatsOut<'a>, Failure> {
        let view = View::new(array, "a Float32Array", |kind| kind == kind_of::F32, &OUTPUT)?;
        match view.len < needed {
            true => Err(Failure::Short("out", view.len, needed)),
            false => Ok(FloatsOut(view)),
        }
    }

    /// Refuses the call when this output shares bytes of linear memory with `input`.
    pub fn disjoint(&self, input: &Integers<'_>) -> Result<(), Failure> {
        self.apart(&input.0)
    }

    /// The same for floats.
    pub fn disjoint_floats(&self, input: &Floats<'_>) -> Result<(), Failure> {
        self.apart(&input.0)
    }

    fn apart(&self, input: &View<'_>) -> Result<(), Failure> {
        let (out, input) = (self.0.range(), input.range());
        match input.start < out.end && out.start < input.end {
            true => Err(Failure::Overlap),
            false => Ok(()),
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// How many values one tile may have.
    pub fn most(&self) -> usize {
        if self.0.own.is_some() {
            usize::MAX
        } else {
            FLOAT_TILE
        }
    }

    /// Lets `write` fill values `range`, of which there are at most [`FloatsOut::most`]; `fresh` tells whether
    /// it overwrites all of them, or goes on from what they hold.
    pub fn tile(&mut self, range: Range<usize>, fresh: bool, write: impl FnOnce(&mut [f32])) {
        if range.is_empty() {
            return;
        }
        let view = &mut self.0;
        view.loaded = if fresh && view.own.is_none() {
            range.clone()
        } else {
            0..0
        };
        let start = view.at(&range, range.len());
        // SAFETY: `at` gives an address valid for the range; `disjoint` ruled out a second slice of it.
        write(unsafe { std::slice::from_raw_parts_mut(start.cast(), range.len()) });
        if view.own.is_none() {
            store(
                view.scratch,
                view.array,
                view.kind,
                range.start as u32,
                range.end as u32,
            );
        }
    }
}

/// Copies a few `values` to a Float64Array, one by one.
pub fn write_doubles(array: &JsValue, values: impl Iterator<Item = f64>) -> Result<(), Failure> {
    let view = View::new(array, "a Float64Array", |kind| kind == kind_of::F64, &OUTPUT)?;
    for (index, value) in (0..view.len as u32).zip(values) {
        store((&raw const value).cast(), array, view.kind, index, index + 1);
    }
    Ok(())
}

/// Cuts a range into pieces of at most `most`; an empty range has none.
pub fn pieces(range: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(most.max(1))
        .map(move |start| start..end.min(start.saturating_add(most)))
}

/// The rows of a window.
pub fn rows_of(window: &Window) -> Range<usize> {
    window.first_row..window.first_row + window.rows
}

/// The values of a window in a result `dim` columns wide.
pub fn values_of(window: &Window, dim: usize) -> Range<usize> {
    let start = window.first_row * dim + window.first_col;
    start..start + window.len()
}

/// Cuts a result of `rows` x `dim` into windows of at most `most_rows` rows and `most_values` values: whole
/// rows where a row fits, pieces of one row where it does not.
pub fn windows(
    rows: usize,
    dim: usize,
    most_rows: usize,
    most_values: usize,
) -> impl Iterator<Item = Window> {
    let (tall, wide) = match most_values >= dim {
        true => ((most_values / dim.max(1)).clamp(1, most_rows.max(1)), dim),
        false => (1, most_values),
    };
    (0..rows).step_by(tall).flat_map(move |first_row| {
        let rows = tall.min(rows - first_row);
        (0..dim).step_by(wide.max(1)).map(move |first_col| {
            let cols = wide.min(dim - first_col);
            Window {
                first_row,
                rows,
                first_col,
                cols,
            }
        })
    })
}
