//! JavaScript arrays in tiles. Only this module distinguishes arrays in linear memory from others.
//!
//! An array whose buffer is the module's memory is used in place. Any other array is copied, a tile at a time, through
//! a fixed scratch area, so a call never grows the memory, even for large arrays. No JavaScript runs during a call
//! except the copies of `border.js`, so ids stay valid after the check.

#![expect(unsafe_code, reason = "arrays and scratch in linear memory as slices")]

use std::cell::UnsafeCell;
use std::ops::Range;
use tokenbed_binding::arrays::{
    pieces, At, BagInputs, ByteArray, Cut, Cuts, DoubleArray, FloatArray, IdArray, IntegersOut, OutArray,
};
use tokenbed_binding::{Environment, Failure};
use tokenbed_core::indices::Ids;
use tokenbed_core::ops::{bag_extend, bag_finish, normalize, BagState, Pool};
use tokenbed_core::{Output, Window};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/border.js")]
extern "C" {
    pub fn attach(memory: &JsValue);
    fn look(array: &JsValue, to: *mut u8) -> i32;
    fn load(to: *mut u8, array: &JsValue, kind: i32, start: u32, end: u32);
    fn store(from: *const u8, array: &JsValue, kind: i32, start: u32, end: u32);
}

/// The indices of `CLASSES` in border.js.
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
/// Bytes of one tile of a byte array.
const BYTE_TILE: usize = FLOAT_TILE * 4;

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

/// Scratch for the result of `look`: the length of an array and its address, as two doubles.
static LOOKED: Part<16> = Part::new();
/// Scratch for the first index argument.
pub static IDS: Part<{ INDEX_TILE * 4 }> = Part::new();
/// Scratch for the second index argument.
pub static SECOND: Part<{ INDEX_TILE * 4 }> = Part::new();
/// Scratch for input floats.
pub static INPUT: Part<{ FLOAT_TILE * 4 }> = Part::new();
/// Scratch for the floats of a second input.
pub static OTHER: Part<{ FLOAT_TILE * 4 }> = Part::new();
/// Scratch for output floats.
pub static OUTPUT: Part<{ FLOAT_TILE * 4 }> = Part::new();

/// A typed array: its address, or the part of it that is in the scratch area.
#[derive(Clone)]
struct View<'a> {
    array: &'a JsValue,
    kind: i32,
    len: usize,
    /// Its address, if it is in linear memory.
    own: Option<*mut u8>,
    scratch: *mut u8,
    loaded: Range<usize>,
}

// SAFETY: the module runs on one thread.
unsafe impl Send for View<'_> {}
// SAFETY: the same.
unsafe impl Sync for View<'_> {}

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
            return Err(Failure::Argument(wanted));
        }
        // SAFETY: the part is 16 bytes, aligned for doubles, and `look` has just filled it; no other code writes there.
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

    /// The address of element `range.start`, where `range.len()` elements may be read. Elements that are not in the
    /// scratch part are loaded, with as many of the following ones as `tile` allows, for the next ranges.
    #[inline(never)]
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
        // SAFETY: `at` returns an address that is valid for the range: inside the array, or inside the scratch
        // part, both aligned for the kind.
        unsafe { std::slice::from_raw_parts(start.cast(), range.len()) }
    }

    /// The bytes it covers in linear memory; empty elsewhere.
    fn address(&self) -> Range<usize> {
        let start = self.own.map_or(0, |own| own as usize);
        start..start + self.own.map_or(0, |_| self.len * self.size())
    }
}

/// An argument, if it is present.
fn present(array: &JsValue) -> Option<&JsValue> {
    Some(array).filter(|array| !array.is_undefined())
}

/// Ids, offsets or positions: any integer array of up to 32 bits.
#[derive(Clone)]
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

    /// Borrows an argument that may be absent.
    pub fn optional(array: &'a JsValue) -> Result<Option<Integers<'a>>, Failure> {
        present(array).map(|array| Integers::new(array, &IDS)).transpose()
    }

    /// Positions, from a number or an array.
    pub fn positions(argument: &'a JsValue) -> Result<At<Integers<'a>>, Failure> {
        match argument.as_f64() {
            Some(start) => Ok(At::From(start as usize)),
            None => Integers::new(argument, &SECOND).map(At::Ids),
        }
    }

    /// The number of equal bags, or their offsets.
    pub fn bags(argument: &'a JsValue) -> Result<Cuts<Integers<'a>>, Failure> {
        match argument.as_f64() {
            Some(bags) => Ok(Cuts::Equal(bags as usize)),
            None => Ok(Cuts::At {
                offsets: Integers::new(argument, &SECOND)?,
                include_last: false,
            }),
        }
    }
}

// SAFETY: see the top of the file.
unsafe impl IdArray for Integers<'_> {
    fn len(&self) -> usize {
        self.0.len
    }

    fn most(&self) -> usize {
        match self.0.own {
            Some(_) => self.0.len.max(1),
            None => INDEX_TILE,
        }
    }

    fn first(mut self, len: usize) -> Self {
        assert!(len <= self.0.len, "fewer entries");
        self.0.len = len;
        self
    }

    fn tile(&mut self, range: Range<usize>) -> Ids<'_> {
        let (view, most) = (&mut self.0, INDEX_TILE);
        // SAFETY: each arm reads the type of its kind; each index argument has a separate scratch part.
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

    fn address(&self) -> Range<usize> {
        self.0.address()
    }
}

/// An input Float32Array.
#[derive(Clone)]
pub struct Floats<'a>(View<'a>);

impl<'a> Floats<'a> {
    /// Borrows `array`.
    pub fn new(array: &'a JsValue) -> Result<Floats<'a>, Failure> {
        Floats::through(array, &INPUT)
    }

    /// Borrows a second input of a call.
    pub fn second(array: &'a JsValue) -> Result<Floats<'a>, Failure> {
        Floats::through(array, &OTHER)
    }

    fn through(
        array: &'a JsValue,
        scratch: &'static Part<{ FLOAT_TILE * 4 }>,
    ) -> Result<Floats<'a>, Failure> {
        View::new(array, "a Float32Array", |kind| kind == kind_of::F32, scratch).map(Floats)
    }

    /// Borrows an argument that may be absent.
    pub fn optional(array: &'a JsValue) -> Result<Option<Floats<'a>>, Failure> {
        present(array).map(Floats::new).transpose()
    }

    /// Borrows a second input that may be absent.
    pub fn optional_second(array: &'a JsValue) -> Result<Option<Floats<'a>>, Failure> {
        present(array).map(Floats::second).transpose()
    }
}

impl FloatArray for Floats<'_> {
    fn len(&self) -> usize {
        self.0.len
    }

    fn most(&self) -> usize {
        match self.0.own {
            Some(_) => usize::MAX,
            None => FLOAT_TILE,
        }
    }

    fn tile(&mut self, range: Range<usize>) -> &[f32] {
        // SAFETY: the kind is f32, and each float argument of a call has a separate scratch part.
        unsafe { self.0.slice(range, FLOAT_TILE) }
    }

    fn copy_to(&mut self, _: usize, to: &mut [f32]) {
        let View { array, kind, own, .. } = self.0;
        match own {
            Some(_) => to.copy_from_slice(self.tile(0..to.len())),
            None => load(to.as_mut_ptr().cast(), array, kind, 0, to.len() as u32),
        }
    }

    fn address(&self) -> Range<usize> {
        self.0.address()
    }
}

/// An output Float32Array.
pub struct FloatsOut<'a>(View<'a>);

impl<'a> FloatsOut<'a> {
    /// Borrows `array`.
    pub fn new(array: &'a JsValue) -> Result<FloatsOut<'a>, Failure> {
        View::new(array, "a Float32Array", |kind| kind == kind_of::F32, &OUTPUT).map(FloatsOut)
    }

    /// Borrows an argument that may be absent.
    pub fn optional(array: &'a JsValue) -> Result<Option<FloatsOut<'a>>, Failure> {
        present(array).map(FloatsOut::new).transpose()
    }
}

/// An output Uint32Array.
pub struct IdsOut<'a>(View<'a>);

impl<'a> IdsOut<'a> {
    /// Borrows `array`.
    pub fn new(array: &'a JsValue) -> Result<IdsOut<'a>, Failure> {
        View::new(array, "a Uint32Array", |kind| kind == kind_of::U32, &SECOND).map(IdsOut)
    }
}

/// An input Float64Array.
pub struct Doubles<'a>(View<'a>);

impl<'a> Doubles<'a> {
    /// Borrows `array`.
    pub fn new(array: &'a JsValue) -> Result<Doubles<'a>, Failure> {
        View::new(array, "a Float64Array", |kind| kind == kind_of::F64, &INPUT).map(Doubles)
    }
}

impl DoubleArray for Doubles<'_> {
    fn len(&self) -> usize {
        self.0.len
    }

    fn copy_to(&mut self, to: &mut [f64]) {
        load(
            to.as_mut_ptr().cast(),
            self.0.array,
            self.0.kind,
            0,
            to.len() as u32,
        );
    }
}

/// A Uint8Array, for input or output.
pub struct Bytes<'a>(View<'a>);

impl<'a> Bytes<'a> {
    /// Borrows `array`.
    pub fn new(array: &'a JsValue) -> Result<Bytes<'a>, Failure> {
        View::new(array, "a Uint8Array", |kind| kind == kind_of::U8, &OUTPUT).map(Bytes)
    }
}

impl ByteArray for Bytes<'_> {
    fn len(&self) -> usize {
        self.0.len
    }

    fn most(&self) -> usize {
        BYTE_TILE
    }

    fn tile(&mut self, range: Range<usize>) -> &[u8] {
        // SAFETY: the kind is u8, and the only array of the call has this scratch part.
        unsafe { self.0.slice(range, BYTE_TILE) }
    }

    fn copy_to(&mut self, to: &mut [u8]) {
        let View { array, kind, own, .. } = self.0;
        match own {
            Some(_) => to.copy_from_slice(self.tile(0..to.len())),
            None => load(to.as_mut_ptr(), array, kind, 0, to.len() as u32),
        }
    }
}

impl IntegersOut<u8> for Bytes<'_> {
    fn len(&self) -> usize {
        self.0.len
    }

    fn address(&self) -> Range<usize> {
        self.0.address()
    }

    fn most(&self) -> usize {
        BYTE_TILE
    }

    fn edit(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [u8])) {
        // SAFETY: the kind is u8.
        unsafe { self.0.overwrite(range, edit) }
    }
}

// Separate functions, so that they are not inlined into each operation.
impl View<'_> {
    /// The address of elements `range`, which are loaded unless they are overwritten.
    #[inline(never)]
    fn begin(&mut self, range: &Range<usize>, overwrite: bool) -> *mut u8 {
        self.loaded = match overwrite && self.own.is_none() {
            true => range.clone(),
            false => 0..0,
        };
        self.at(range, range.len())
    }

    /// Copies elements `range` back if the array is not in linear memory.
    #[inline(never)]
    fn end(&mut self, range: Range<usize>) {
        if self.own.is_none() {
            let (start, end) = (range.start as u32, range.end as u32);
            store(self.scratch, self.array, self.kind, start, end);
        }
    }

    /// Calls `edit` with elements `range`, which it overwrites.
    ///
    /// # Safety
    /// `T` is the type of the array's kind.
    unsafe fn overwrite<T>(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [T])) {
        if range.is_empty() {
            return;
        }
        let start = self.begin(&range, true);
        // SAFETY: `begin` returns an address valid for the range; an output shares no bytes with an input.
        edit(unsafe { std::slice::from_raw_parts_mut(start.cast(), range.len()) });
        self.end(range);
    }
}

impl IntegersOut<u32> for IdsOut<'_> {
    fn len(&self) -> usize {
        self.0.len
    }

    fn address(&self) -> Range<usize> {
        self.0.address()
    }

    fn most(&self) -> usize {
        match self.0.own {
            Some(_) => usize::MAX,
            None => INDEX_TILE,
        }
    }

    fn edit(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [u32])) {
        // SAFETY: the kind is u32.
        unsafe { self.0.overwrite(range, edit) }
    }
}

impl OutArray for FloatsOut<'_> {
    fn len(&self) -> usize {
        self.0.len
    }

    fn address(&self) -> Range<usize> {
        self.0.address()
    }

    fn most(&self) -> usize {
        match self.0.own {
            Some(_) => usize::MAX,
            None => FLOAT_TILE,
        }
    }

    fn edit(&mut self, range: Range<usize>, overwrite: bool, edit: impl FnOnce(&mut [f32])) {
        if range.is_empty() {
            return;
        }
        let start = self.0.begin(&range, overwrite);
        // SAFETY: `begin` returns an address valid for the range; `expect` has checked it for overlap with every input.
        edit(unsafe { std::slice::from_raw_parts_mut(start.cast(), range.len()) });
        self.0.end(range);
    }

    fn compute<I: Clone + Send + Sync>(
        &mut self,
        _: &Environment,
        cut: Cut,
        mut inputs: I,
        work: impl Fn(&mut I, Window, Output<'_>) + Sync,
    ) {
        for window in cut.windows(self.most()) {
            self.edit(window.elements(cut.dim), cut.overwrite, |out| {
                work(&mut inputs, window, out.into())
            });
        }
    }

    fn reduce<I: IdArray, B: IdArray, F: FloatArray>(
        &mut self,
        env: &Environment,
        pool: &Pool<'_>,
        inputs: BagInputs<I, B, F>,
    ) {
        let BagInputs {
            mut ids,
            mut cuts,
            mut weights,
        } = inputs;
        let (exec, count) = (env.exec(), ids.len());
        let most = weights
            .as_ref()
            .map_or(usize::MAX, FloatArray::most)
            .min(ids.most());
        let cut = Cut::any(cuts.bags(), pool.bag.table.dim());
        for window in cut.windows(self.most()) {
            self.edit(window.elements(cut.dim), true, |out| {
                for (b, out) in window.rows().zip(out.chunks_exact_mut(window.cols)) {
                    let bag = cuts.range(b, count);
                    for cols in pieces(0..out.len(), pool.most_cols()) {
                        let (acc, mut state) = (&mut out[cols.clone()], BagState::default());
                        let cols = window.first_col + cols.start..window.first_col + cols.end;
                        for part in pieces(bag.clone(), most) {
                            let weights = weights.as_mut().map(|weights| weights.tile(part.clone()));
                            bag_extend(exec, pool, ids.tile(part), weights, cols.clone(), &mut state, acc);
                        }
                        bag_finish(exec.isa, pool, &state, acc);
                    }
                    if let Some(norm) = pool.norm {
                        normalize(exec.isa, norm, out);
                    }
                }
            });
        }
    }
}

/// Copies a few `values` to a Float64Array, one by one.
pub fn write_doubles(array: &JsValue, values: &[f64]) -> Result<(), Failure> {
    let view = View::new(array, "a Float64Array", |kind| kind == kind_of::F64, &OUTPUT)?;
    let len = view.len.min(values.len());
    store(values.as_ptr().cast(), array, view.kind, 0, len as u32);
    Ok(())
}
