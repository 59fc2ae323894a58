//! The objects of one JavaScript environment, and its instruction set and threads.
//!
//! A prepared operation holds the handles of its tables, not references, and resolves them on every run. So freeing a
//! table frees its memory at once, and the next run of an operation over it returns [`Failure::Handle`].

use crate::ahead::Ahead;
use crate::handles::Slots;
use crate::hash::Sha256;
use crate::optimizer::OptimizerOp;
use crate::rows::Rows;
#[cfg(unix)]
use crate::status::Cut;
use crate::status::{first, Failure, DONE};
use crate::words::Words;
#[cfg(unix)]
use std::cell::RefCell;
use std::rc::Rc;
use tokenbed_core::indices::Mapping;
use tokenbed_core::memory::{Contents, Memory, TableSpec, Write};
#[cfg(unix)]
use tokenbed_core::memory::{CutFile, Read};
use tokenbed_core::ops::{self, Dropout, Layout, Misfit, Mode, Norm, Sampler, Sinusoid};
use tokenbed_core::simd::{self, Isa};
use tokenbed_core::{DType, Exec, Gradient, Table, TableMut};

/// The arguments of [`Environment::table_create`].
pub struct TableRecord {
    /// The number of rows.
    pub rows: f64,
    /// The number of values in a row.
    pub dim: f64,
    /// The name of the dtype.
    pub dtype: String,
    /// Whether the table holds zeros. Otherwise the values are unspecified, and the caller writes all of them next.
    pub zeros: bool,
}

/// The arguments of [`Environment::table_map`].
#[cfg(not(target_family = "wasm"))]
pub struct MapRecord {
    /// The descriptor of the open file.
    pub fd: i32,
    /// Its path, which is also that of errors.
    pub path: String,
    /// The place of the first row in it, in bytes.
    pub offset: f64,
    /// Its length, in bytes.
    pub length: f64,
    /// The number of rows.
    pub rows: f64,
    /// The number of values in a row.
    pub dim: f64,
    /// The name of the dtype.
    pub dtype: String,
    /// Bytes from one row to the next.
    pub stride: f64,
}

/// The arguments of [`Environment::sinusoid_create`].
pub struct SinusoidRecord {
    /// The number of columns.
    pub dim: f64,
    /// w_i = base^(-2i/dim)
    pub base: f64,
    /// `interleaved` or `halves`.
    pub layout: String,
    /// The w_i themselves, in radians per position, instead of `dim` and `base`.
    pub frequencies: Option<Vec<f64>>,
}

/// The arguments of [`Environment::bag_create`].
pub struct BagRecord {
    /// The table whose rows are reduced.
    pub table: f64,
    /// `sum`, `mean` or `max`.
    pub mode: String,
    /// The id that is skipped.
    pub padding: Option<f64>,
    /// Whether the last offset is the number of ids, where no bag begins.
    pub include_last_offset: bool,
}

/// The arguments of [`Environment::pool_create`].
pub struct PoolRecord {
    /// The table whose rows are averaged.
    pub table: f64,
    /// The row of each token. Without it a token is a row.
    pub mapping: Option<Vec<u32>>,
    /// The weight of each token.
    pub weights: Option<Vec<f32>>,
    /// The same in f64, in which products and sums are then computed.
    pub precise_weights: Option<Vec<f64>>,
    /// Whether products and sums of them are rounded to f32.
    pub rounded: bool,
    /// `model2vec` or `sentence-transformers`.
    pub norm: Option<String>,
}

/// The arguments of [`Environment::embed_create`].
pub struct EmbedRecord {
    /// The table of token rows.
    pub table: f64,
    /// The factor of the token rows.
    pub scale: Option<f64>,
    /// The table of position rows.
    pub positions: Option<f64>,
    /// The probability with which an element is dropped.
    pub dropout: Option<f64>,
    /// The seed of the dropout.
    pub seed: Option<u64>,
}

/// The arguments of [`Environment::positions_create`].
pub struct PositionsRecord {
    /// The table of position rows.
    pub table: f64,
    /// The probability with which an element is dropped.
    pub dropout: Option<f64>,
    /// The seed of the dropout.
    pub seed: Option<u64>,
}

/// The arguments of [`Environment::rotary_create`].
pub struct RotaryRecord {
    /// The sinusoidal table, with one column per rotated column and the same layout.
    pub table: f64,
    /// The number of values in a row.
    pub dim: f64,
    /// `interleaved` or `halves`.
    pub layout: String,
}

/// A table and its memory, which may be longer than the table.
pub(crate) struct StoredTable {
    spec: TableSpec,
    memory: Access,
    training: Option<Box<Training>>,
}

/// What training keeps with a table.
pub(crate) struct Training {
    /// The row that gets no gradient and is never updated.
    pub padding: Option<usize>,
    pub gradient: Gradient,
}

enum Access {
    Write(Memory<Write>),
    #[cfg(unix)]
    Mapped(Mapped),
}

impl StoredTable {
    fn new(spec: TableSpec, memory: Access) -> Self {
        StoredTable {
            spec,
            memory,
            training: None,
        }
    }

    fn read(&self) -> Result<Table<'_>, Failure> {
        read(self.spec, &self.memory)
    }

    /// The table, and what training keeps with it.
    fn train(&mut self) -> Result<(Table<'_>, Option<&mut Training>), Failure> {
        Ok((read(self.spec, &self.memory)?, self.training.as_deref_mut()))
    }

    /// The values of a table that trains, and what training keeps with it; `None` if it is frozen.
    fn train_values(&mut self) -> Result<Option<(&mut [f32], &mut Training)>, Failure> {
        match (&mut self.memory, self.training.as_deref_mut()) {
            (Access::Write(memory), Some(training)) => {
                let bytes = &mut memory.bytes_mut()[..self.spec.bytes()];
                let values = TableMut::new(self.spec, bytes)?.into_values();
                Ok(Some((values.ok_or(Failure::ReadOnly)?, training)))
            }
            _ => Ok(None),
        }
    }

    /// The table, for writing rows. Tables of blocks have no such access.
    pub fn write(&mut self) -> Result<TableMut<'_>, Failure> {
        if self.spec.is_blocks() {
            return Err(Failure::ReadOnly);
        }
        let (spec, bytes) = self.owned()?;
        Ok(TableMut::new(spec, bytes)?)
    }

    /// Sizes and bytes of a table of any dtype, for the owner that fills it.
    pub fn owned(&mut self) -> Result<(TableSpec, &mut [u8]), Failure> {
        match &mut self.memory {
            Access::Write(memory) => Ok((self.spec, &mut memory.bytes_mut()[..self.spec.bytes()])),
            #[cfg(unix)]
            Access::Mapped(_) => Err(Failure::ReadOnly),
        }
    }

    /// Bytes of memory that the table owns.
    fn held(&self) -> usize {
        match &self.memory {
            Access::Write(memory) => memory.bytes().len(),
            #[cfg(unix)]
            Access::Mapped(_) => 0,
        }
    }

    /// Its rows, to be read one after the other.
    fn ahead(&self) -> Ahead<'_> {
        #[cfg(unix)]
        if let Some(mapped) = self.mapped() {
            return Ahead::mapped(&mapped.memory, self.spec.row_bytes());
        }
        Ahead::default()
    }

    /// The file of a mapped table.
    #[cfg(unix)]
    fn mapped(&self) -> Option<&Mapped> {
        match &self.memory {
            Access::Mapped(mapped) => Some(mapped),
            Access::Write(_) => None,
        }
    }
}

fn read(spec: TableSpec, memory: &Access) -> Result<Table<'_>, Failure> {
    let bytes = match memory {
        Access::Write(memory) => memory.bytes(),
        #[cfg(unix)]
        Access::Mapped(mapped) => mapped.memory.bytes(),
    };
    Ok(Table::new(spec, &bytes[..spec.bytes()])?)
}

/// Rows of a file in memory.
#[cfg(unix)]
struct Mapped {
    memory: Memory<Read>,
    path: String,
}

#[cfg(unix)]
impl Mapped {
    /// Checks that the file is as long as it was.
    fn check(&self) -> Result<(), Failure> {
        self.memory.check().map_err(|cut| cut_short(cut, &self.path))
    }
}

#[cfg(unix)]
fn cut_short(CutFile { opened, found }: CutFile, path: &str) -> Failure {
    let rule = match found {
        Some(found) => format!("the file has {found} bytes, it had {opened} when it was opened"),
        None => "the file was cut short while it was read".to_owned(),
    };
    let path = path.to_owned();
    Failure::Cut(Box::new(Cut { path, rule }))
}

#[cfg(unix)]
fn mapped_table(record: MapRecord) -> Result<Option<StoredTable>, Failure> {
    let dtype = DType::named(&record.dtype).ok_or(Failure::Argument("the name of a dtype"))?;
    let [rows, dim, stride] = [record.rows, record.dim, record.stride].map(|size| size as usize);
    let spec = TableSpec::with_stride(dtype, rows, dim, stride)?;
    let (offset, length) = (record.offset as u64, record.length as u64);
    if length
        .checked_sub(offset)
        .is_none_or(|left| left < spec.bytes() as u64)
    {
        return Err(Failure::Argument("rows inside of the file"));
    }
    let memory = Memory::map(record.fd, record.path.as_ref(), offset, spec.bytes(), length);
    let memory = memory.map_err(|cut| cut_short(cut, &record.path))?;
    Ok(memory.map(|memory| {
        let path = record.path;
        StoredTable::new(spec, Access::Mapped(Mapped { memory, path }))
    }))
}

/// A prepared bag operation, over a table by handle.
#[derive(Clone, Copy)]
pub(crate) struct BagOp {
    pub table: f64,
    pub mode: Mode,
    pub padding: Option<usize>,
    pub include_last: bool,
}

/// A mean of the rows of tokens, over a table by handle.
pub(crate) struct PoolOp {
    pub table: f64,
    /// Ids are below it.
    pub tokens: usize,
    pub mapping: Option<Mapping>,
    pub weights: Option<Vec<f32>>,
    pub precise: Option<Vec<f64>>,
    pub rounded: bool,
    pub norm: Option<Norm>,
}

/// The dropout of an operation in training, without the number of the call.
#[derive(Clone, Copy)]
pub(crate) struct Dropping {
    p: f64,
    seed: u64,
}

impl Dropping {
    fn of(p: Option<f64>, seed: Option<u64>) -> Option<Self> {
        let p = p.filter(|&p| p > 0.0)?;
        Some(Dropping {
            p,
            seed: seed.unwrap_or(0),
        })
    }

    /// The dropout of call number `call`; none without a number.
    pub fn in_call(dropping: Option<Self>, call: Option<u32>) -> Option<Dropout> {
        let (Dropping { p, seed }, call) = (dropping?, call?);
        Some(Dropout::new(p, seed, call))
    }
}

/// Lookup, scale, positions and dropout, over tables by handle.
#[derive(Clone, Copy)]
pub(crate) struct EmbedOp {
    pub table: f64,
    pub scale: Option<f32>,
    pub positions: Option<f64>,
    pub dropping: Option<Dropping>,
}

/// Positions and dropout, over a table by handle.
#[derive(Clone, Copy)]
pub(crate) struct PositionsOp {
    pub table: f64,
    pub dropping: Option<Dropping>,
}

/// A rotation, over a table by handle.
#[derive(Clone, Copy)]
pub(crate) struct RotaryOp {
    pub table: f64,
    pub dim: usize,
    pub layout: Layout,
}

fn layout(name: &str) -> Result<Layout, Failure> {
    match name {
        "interleaved" => Ok(Layout::Interleaved),
        "halves" => Ok(Layout::Halves),
        _ => Err(Failure::Argument("the name of a layout")),
    }
}

/// An object that a handle refers to.
enum Object {
    Table(StoredTable),
    Sinusoid(Rc<Sinusoid>),
    Bag(BagOp),
    Pool(Rc<PoolOp>),
    Embed(EmbedOp),
    Positions(PositionsOp),
    Rotary(RotaryOp),
    Optimizer(Box<OptimizerOp>),
    Sampler(Rc<Sampler>),
    Rows(Box<Rows>),
    Words(Box<Words>),
    Hash(Box<Sha256>),
}

impl Object {
    /// Bytes of memory that a table or a sampler owns; 0 for any other object.
    fn held(&self) -> usize {
        match self {
            Object::Table(table) => table.held(),
            Object::Sampler(sampler) => sampler.bytes(),
            _ => 0,
        }
    }
}

/// The objects of one environment. They are freed with it, and other environments cannot access them.
pub struct Environment {
    objects: Slots<Object>,
    exec: Exec,
    threads: usize,
    misfit: f64,
    /// The mapped tables that the current call has read.
    #[cfg(unix)]
    mapped: RefCell<Vec<f64>>,
}

impl Default for Environment {
    fn default() -> Self {
        Environment {
            objects: Slots::new(),
            exec: Exec::from(simd::detect()),
            threads: 1,
            misfit: 0.0,
            #[cfg(unix)]
            mapped: RefCell::default(),
        }
    }
}

/// One accessor per kind of object.
macro_rules! accessor {
    ($name:ident, $kind:ident, $type:ty) => {
        pub(crate) fn $name(&self, handle: f64) -> Result<$type, Failure> {
            match self.objects.get(handle) {
                Some(Object::$kind(object)) => Ok(object.clone()),
                _ => Err(Failure::Handle(handle)),
            }
        }
    };
}

/// One accessor per kind of object that a call changes.
macro_rules! accessor_mut {
    ($name:ident, $kind:ident, $type:ty) => {
        pub(crate) fn $name(&mut self, handle: f64) -> Result<&mut $type, Failure> {
            match self.objects.get_mut(handle) {
                Some(Object::$kind(object)) => Ok(object),
                _ => Err(Failure::Handle(handle)),
            }
        }
    };
}

impl Environment {
    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.exec.isa
    }

    /// The instruction set and the thresholds in use.
    pub fn exec(&self) -> Exec {
        self.exec
    }

    /// Switches to a lower instruction set. One that is higher, or that this machine lacks, has no effect.
    /// Returns false if the architecture has no instruction set of that name.
    pub fn lower_isa(&mut self, name: &str) -> bool {
        let place = |isa| simd::available().iter().position(|&each| each == isa);
        let Some(&isa) = simd::compiled().iter().find(|isa| isa.name() == name) else {
            return false;
        };
        if place(isa) > place(self.exec.isa) {
            self.exec.isa = isa;
        }
        true
    }

    /// Selects the thresholds of a class of processors, by default those of this machine's class. Returns the name of
    /// the class. Errors: no class has that name.
    #[cfg(not(target_family = "wasm"))]
    pub fn use_tuning(&mut self, name: Option<&str>) -> Result<&'static str, Failure> {
        let class = match name {
            Some(name) => simd::Class::ALL.into_iter().find(|class| class.name() == name),
            None => Some(simd::processor().class),
        };
        let class = class.ok_or(Failure::Argument("the name of a class of processors"))?;
        self.exec = self.exec.with_class(class);
        Ok(class.name())
    }

    /// The number of threads that a call may use.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Sets the number of threads that a call may use, 0 for the number of processors available to the process.
    /// Returns the number in effect.
    #[cfg(not(target_family = "wasm"))]
    pub fn use_threads(&mut self, wanted: usize) -> usize {
        self.threads = crate::split::threads(wanted);
        self.threads
    }

    /// The number of handles in use.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    fn keep(&mut self, object: Object) -> Result<f64, Failure> {
        self.objects.insert(object).ok_or(Failure::Handles)
    }

    /// Creates a table; `None` if memory is exhausted.
    pub fn table_create(&mut self, record: &TableRecord) -> Result<Option<f64>, Failure> {
        let TableRecord { rows, dim, zeros, .. } = *record;
        let dtype = DType::named(&record.dtype).ok_or(Failure::Argument("the name of a dtype"))?;
        let exact = rows as usize as f64 == rows && dim as usize as f64 == dim;
        let Ok(spec) = TableSpec::new(dtype, rows as usize, dim as usize) else {
            return Ok(None);
        };
        let contents = if zeros { Contents::Zeros } else { Contents::Any };
        match Memory::allocate(spec.bytes(), contents) {
            Some(mut memory) if exact => {
                if zeros {
                    ops::store_zeros(&mut TableMut::new(spec, memory.bytes_mut())?);
                }
                self.keep_table(spec, memory).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Keeps a table in memory that has at least the bytes of `spec`.
    pub fn keep_table(&mut self, spec: TableSpec, memory: Memory<Write>) -> Result<f64, Failure> {
        let len = memory.bytes().len();
        if len < spec.bytes() {
            return Err(Failure::Short("memory", len, spec.bytes()));
        }
        self.keep(Object::Table(StoredTable::new(spec, Access::Write(memory))))
    }

    /// Maps rows of a file; `None` if the system cannot. The table can only be read.
    ///
    /// Errors: [`Failure::Cut`] if the file is shorter than its length in the record.
    #[cfg(not(target_family = "wasm"))]
    pub fn table_map(&mut self, record: MapRecord) -> Result<Option<f64>, Failure> {
        #[cfg(unix)]
        if let Some(table) = mapped_table(record)? {
            return self.keep(Object::Table(table)).map(Some);
        }
        #[cfg(not(unix))]
        let _ = record;
        Ok(None)
    }

    pub(crate) fn keep_rows(&mut self, rows: Rows) -> Result<f64, Failure> {
        self.keep(Object::Rows(Box::new(rows)))
    }

    /// Creates a sinusoidal encoding.
    pub fn sinusoid_create(&mut self, record: &SinusoidRecord) -> Result<f64, Failure> {
        let layout = layout(&record.layout)?;
        let sinusoid = match &record.frequencies {
            None => Sinusoid::new(record.dim as usize, record.base, layout),
            Some(frequencies) => Sinusoid::with_frequencies(frequencies, layout),
        };
        self.keep(Object::Sinusoid(Rc::new(sinusoid)))
    }

    /// Prepares a bag operation.
    pub fn bag_create(&mut self, record: &BagRecord) -> Result<f64, Failure> {
        self.expect_table(record.table)?;
        let mode = match &record.mode[..] {
            "sum" => Mode::Sum,
            "mean" => Mode::Mean,
            "max" => Mode::Max,
            _ => return Err(Failure::Argument("the name of a mode")),
        };
        self.keep(Object::Bag(BagOp {
            table: record.table,
            mode,
            padding: record.padding.map(|padding| padding as usize),
            include_last: record.include_last_offset,
        }))
    }

    /// Prepares a mean of the rows of tokens.
    pub fn pool_create(&mut self, record: PoolRecord) -> Result<f64, Failure> {
        let rows = self.table(record.table)?.rows();
        let bad_row = |_| Failure::Argument("rows of the table");
        let mapping = record
            .mapping
            .map(|rows_of| Mapping::check(self.isa(), rows_of, rows as u64).map_err(bad_row))
            .transpose()?;
        let (single, double) = (&record.weights, &record.precise_weights);
        let weights = match (single.as_ref().map(Vec::len), double.as_ref().map(Vec::len)) {
            (Some(_), Some(_)) => return Err(Failure::Argument("weights of one type")),
            (single, double) => single.or(double),
        };
        let mapped = mapping.as_ref().map(Mapping::len);
        let tokens = mapped.or(weights).unwrap_or(rows);
        if weights.is_some_and(|weights| weights != tokens) || mapped.is_none() && tokens > rows {
            return Err(Failure::Argument("a weight for each token"));
        }
        let norm = match record.norm.as_deref() {
            None => None,
            Some("model2vec") => Some(Norm::Model2vec),
            Some("sentence-transformers") => Some(Norm::SentenceTransformers),
            Some(_) => return Err(Failure::Argument("the name of a norm")),
        };
        self.keep(Object::Pool(Rc::new(PoolOp {
            table: record.table,
            tokens,
            mapping,
            weights: record.weights,
            precise: record.precise_weights,
            rounded: record.rounded,
            norm,
        })))
    }

    /// Prepares an embed operation.
    pub fn embed_create(&mut self, record: &EmbedRecord) -> Result<f64, Failure> {
        self.expect_table(record.table)?;
        record
            .positions
            .map(|table| self.expect_table(table))
            .transpose()?;
        self.keep(Object::Embed(EmbedOp {
            table: record.table,
            scale: record.scale.map(|scale| scale as f32),
            positions: record.positions,
            dropping: Dropping::of(record.dropout, record.seed),
        }))
    }

    /// Prepares the addition of positions.
    pub fn positions_create(&mut self, record: &PositionsRecord) -> Result<f64, Failure> {
        self.expect_table(record.table)?;
        self.keep(Object::Positions(PositionsOp {
            table: record.table,
            dropping: Dropping::of(record.dropout, record.seed),
        }))
    }

    /// Prepares a rotation.
    pub fn rotary_create(&mut self, record: &RotaryRecord) -> Result<f64, Failure> {
        self.expect_table(record.table)?;
        self.keep(Object::Rotary(RotaryOp {
            table: record.table,
            dim: record.dim as usize,
            layout: layout(&record.layout)?,
        }))
    }

    /// Keeps an optimizer.
    pub(crate) fn keep_optimizer(&mut self, optimizer: OptimizerOp) -> Result<f64, Failure> {
        self.keep(Object::Optimizer(Box::new(optimizer)))
    }

    /// Keeps a sampler.
    pub(crate) fn keep_sampler(&mut self, sampler: Sampler) -> Result<f64, Failure> {
        self.keep(Object::Sampler(Rc::new(sampler)))
    }

    /// Keeps a reader of word vectors.
    pub(crate) fn keep_words(&mut self, words: Words) -> Result<f64, Failure> {
        self.keep(Object::Words(Box::new(words)))
    }

    /// Keeps a hash.
    pub(crate) fn keep_hash(&mut self, hash: Sha256) -> Result<f64, Failure> {
        self.keep(Object::Hash(Box::new(hash)))
    }

    /// Frees the object of `handle`; returns the bytes of memory that a table or a sampler owned. Idempotent.
    pub fn free(&mut self, handle: f64) -> usize {
        self.objects.remove(handle).map_or(0, |object| object.held())
    }

    /// Bytes of memory that a table or a sampler owns.
    pub fn held(&self, handle: f64) -> usize {
        self.objects.get(handle).map_or(0, Object::held)
    }

    /// An error unless the handle is that of a table.
    fn expect_table(&self, handle: f64) -> Result<(), Failure> {
        match self.objects.get(handle) {
            Some(Object::Table(_)) => Ok(()),
            _ => Err(Failure::Handle(handle)),
        }
    }

    /// A table, for reading. The file of a mapped table is checked now, and again at the end of [`Environment::call`].
    pub fn table(&self, handle: f64) -> Result<Table<'_>, Failure> {
        let Some(Object::Table(table)) = self.objects.get(handle) else {
            return Err(Failure::Handle(handle));
        };
        #[cfg(unix)]
        if let Some(mapped) = table.mapped() {
            mapped.check()?;
            self.mapped.borrow_mut().push(handle);
        }
        table.read()
    }

    /// The rows of a table, to be read one after the other.
    pub(crate) fn ahead(&self, handle: f64) -> Result<Ahead<'_>, Failure> {
        match self.objects.get(handle) {
            Some(Object::Table(table)) => Ok(table.ahead()),
            _ => Err(Failure::Handle(handle)),
        }
    }

    /// Runs one call. Errors: those of `work`; the file of a mapped table that it has read became shorter meanwhile.
    #[cfg(not(target_family = "wasm"))]
    pub fn call<T>(
        &mut self,
        work: impl FnOnce(&mut Environment) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        #[cfg(unix)]
        self.mapped.get_mut().clear(); // a panic may have left some
        let done = work(self)?;
        #[cfg(unix)]
        if !self.mapped.get_mut().is_empty() {
            self.check_mapped()?;
        }
        Ok(done)
    }

    /// Checks the tables of the current call that are mapped.
    #[cfg(unix)]
    #[inline(never)]
    fn check_mapped(&self) -> Result<(), Failure> {
        for &handle in self.mapped.borrow().iter() {
            if let Some(Object::Table(table)) = self.objects.get(handle) {
                table.mapped().map_or(Ok(()), Mapped::check)?;
            }
        }
        Ok(())
    }

    /// A table, for writing rows. Tables of blocks have no such access.
    pub fn table_mut(&mut self, handle: f64) -> Result<TableMut<'_>, Failure> {
        match self.objects.get_mut(handle) {
            Some(Object::Table(table)) => table.write(),
            _ => Err(Failure::Handle(handle)),
        }
    }

    /// Sets whether backward passes add to the gradient of a table of writable f32, and its padding row. What there was
    /// of a gradient ends.
    pub fn table_trains(&mut self, handle: f64, trains: bool, padding: Option<f64>) -> Result<(), Failure> {
        let table = match self.objects.get_mut(handle) {
            Some(Object::Table(table)) => table,
            _ => return Err(Failure::Handle(handle)),
        };
        if trains && table.write()?.values_mut(0).is_none() {
            return Err(Failure::ReadOnly);
        }
        table.training = trains.then(|| {
            Box::new(Training {
                padding: padding.map(|row| row as usize),
                gradient: Gradient::new(table.spec.dim()),
            })
        });
        Ok(())
    }

    /// A table for reading, and what training keeps with it; `None` if it is frozen.
    pub(crate) fn training(&mut self, handle: f64) -> Result<(Table<'_>, Option<&mut Training>), Failure> {
        self.table(handle)?; // checks the file of a mapped one
        match self.objects.get_mut(handle) {
            Some(Object::Table(table)) => table.train(),
            _ => Err(Failure::Handle(handle)),
        }
    }

    /// An optimizer; and the values of its table and what training keeps with it, unless the table is frozen.
    #[expect(clippy::type_complexity, reason = "what a step needs, borrowed together")]
    pub(crate) fn optimizer_and_training(
        &mut self,
        handle: f64,
    ) -> Result<(&mut OptimizerOp, Option<(&mut [f32], &mut Training)>), Failure> {
        let table = self.optimizer(handle)?.table;
        match self.objects.get_both(handle, table) {
            Some((Object::Optimizer(optimizer), Object::Table(table))) => {
                Ok((optimizer, table.train_values()?))
            }
            _ => Err(Failure::Handle(table)),
        }
    }

    /// Sizes and bytes of a table of any dtype, for the owner that fills it.
    pub fn table_bytes(&mut self, handle: f64) -> Result<(TableSpec, &mut [u8]), Failure> {
        match self.objects.get_mut(handle) {
            Some(Object::Table(table)) => table.owned(),
            _ => Err(Failure::Handle(handle)),
        }
    }

    /// A reader of rows, and its table.
    pub(crate) fn rows_and_table(&mut self, handle: f64) -> Result<(&mut Rows, &mut StoredTable), Failure> {
        let table = self.rows_mut(handle)?.table;
        match self.objects.get_both(handle, table) {
            Some((Object::Rows(rows), Object::Table(table))) => Ok((rows, table)),
            _ => Err(Failure::Handle(table)),
        }
    }

    /// One table for reading, and another one for writing.
    pub(crate) fn tables(
        &mut self,
        from: f64,
        to: f64,
    ) -> Result<(Table<'_>, Ahead<'_>, TableMut<'_>), Failure> {
        self.table(from)?;
        match self.objects.get_both(from, to) {
            Some((Object::Table(from), Object::Table(to))) => Ok((from.read()?, from.ahead(), to.write()?)),
            _ => Err(Failure::Handle(to)),
        }
    }

    /// The value that the last status of a write refers to.
    pub fn misfit(&self) -> f64 {
        self.misfit
    }

    /// Sets the value that an answer about a misfit refers to.
    pub(crate) fn set_misfit(&mut self, value: f64) {
        self.misfit = value;
    }

    /// The status of a write to rows of `dim` values.
    pub(crate) fn stored(&mut self, dim: usize, result: Result<(), Misfit>) -> f64 {
        match result {
            Ok(()) => DONE,
            Err(Misfit { row, col, value }) => {
                self.misfit = value;
                first(row * dim + col)
            }
        }
    }

    accessor!(sinusoid, Sinusoid, Rc<Sinusoid>);
    accessor!(bag, Bag, BagOp);
    accessor!(pool, Pool, Rc<PoolOp>);
    accessor!(embed, Embed, EmbedOp);
    accessor!(positions, Positions, PositionsOp);
    accessor!(rotary, Rotary, RotaryOp);
    accessor_mut!(optimizer, Optimizer, OptimizerOp);
    accessor!(sampler, Sampler, Rc<Sampler>);
    accessor_mut!(rows_mut, Rows, Rows);
    accessor_mut!(words, Words, Words);
    accessor_mut!(hash, Hash, Sha256);
}
