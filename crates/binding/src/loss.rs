//! Losses and their gradients: cuts a call into windows of whole rows, parts of a row, or blocks of elements.
//!
//! A call runs on one thread, because its sum has one order.

use crate::arrays::{pieces, Cut, FloatArray, IdArray, OutArray};
use crate::environment::Environment;
use crate::status::{first, position_of, Failure, DONE};
use std::ops::Range;
use tokenbed_core::ops::loss::{CrossEntropy, Labels, Targets, Total, BLOCK};
use tokenbed_core::ops::{self, Source};
use tokenbed_core::Isa;

/// A status, the loss, and the number of rows or elements in it.
pub type LossRun = Result<(f64, [f64; 2]), Failure>;

/// N for `count` rows or elements. Without any it divides +0.
fn divisor(count: usize, mean: bool) -> f64 {
    match mean {
        true => count.max(1) as f64,
        false => 1.0,
    }
}

fn done(total: &Total, divisor: f64, count: usize) -> LossRun {
    Ok((DONE, [total.value() / divisor, count as f64]))
}

/// Values `range` of `x`, or those of `out`.
fn source<X: FloatArray>(x: &mut Option<X>, range: Range<usize>) -> Source<'_> {
    match x {
        Some(x) => Source::Slice(x.tile(range)),
        None => Source::InPlace,
    }
}

/// The number of values, and the most of them that one call of a kernel can have. They are in `out` without `x`.
fn values<X: FloatArray>(x: &Option<X>, out: &impl OutArray) -> (usize, usize) {
    match x {
        Some(x) => (x.len(), x.most().min(out.most())),
        None => (out.len(), out.most()),
    }
}

fn expect_same(what: &'static str, len: usize, needed: usize) -> Result<(), Failure> {
    match len == needed {
        true => Ok(()),
        false => Err(Failure::Short(what, len, needed)),
    }
}

/// Checks all targets, and returns the number of rows that are kept; `Err` is the position of the first bad target.
fn check<I: IdArray>(
    isa: Isa,
    targets: &mut Option<I>,
    ignored: Option<i64>,
    rows: usize,
    columns: usize,
) -> Result<usize, usize> {
    let Some(targets) = targets else {
        return Ok(if ignored == Some(0) { 0 } else { rows });
    };
    let (mut kept, bound) = (0, (columns as u64).min(1 << 32));
    for rows in pieces(0..rows, targets.most()) {
        let start = rows.start;
        let checked = targets.tile(rows).check_except(isa, bound, ignored);
        kept += checked.map_err(|error| start + position_of(error))?;
    }
    Ok(kept)
}

/// The cross entropy of rows of `columns` scores, in place if `x` is absent.
pub fn cross_entropy(
    env: &Environment,
    mut x: Option<impl FloatArray>,
    columns: f64,
    mut targets: Option<impl IdArray>,
    ignored: Option<f64>,
    mean: bool,
    mut out: impl OutArray,
) -> LossRun {
    let (isa, columns) = (env.isa(), columns as usize);
    let (values, most) = values(&x, &out);
    if columns == 0 || values % columns != 0 {
        return Err(Failure::Argument("whole rows"));
    }
    let rows = values / columns;
    let read = x.as_ref().map_or(0..0, FloatArray::address);
    let ids = targets.as_ref().map_or(0..0, IdArray::address);
    out.expect(Some(values), &[read, ids])?;
    if let Some(targets) = &targets {
        expect_same("targets", targets.len(), rows)?;
    }
    let ignored = ignored.map(|ignored| ignored as i64);
    let kept = match check(isa, &mut targets, ignored, rows, columns) {
        Ok(kept) => kept,
        Err(position) => return Ok((first(position), [0.0; 2])),
    };
    let mut op = CrossEntropy {
        isa,
        columns,
        divisor: divisor(kept, mean),
        terms: &mut room(columns),
        total: Total::default(),
    };
    if columns > most {
        for row in 0..rows {
            let ids = targets.as_mut().map(|targets| targets.tile(row..row + 1));
            let target = Targets { ids, ignored }.of(0);
            op.wide_row(target, most, &mut |cols, first, work| {
                let part = row * columns + cols.start..row * columns + cols.end;
                let x = x.as_mut().filter(|_| first);
                out.edit(part.clone(), x.is_some(), |out| {
                    if let Some(x) = x {
                        out.copy_from_slice(x.tile(part));
                    }
                    work(out)
                })
            });
        }
    } else {
        let cut = Cut {
            most_rows: targets.as_ref().map_or(usize::MAX, IdArray::most),
            ..Cut::any(rows, columns)
        };
        for window in cut.windows(most) {
            let part = window.elements(columns);
            out.edit(part.clone(), x.is_some(), |out| {
                let ids = targets.as_mut().map(|targets| targets.tile(window.rows()));
                op.rows(&Targets { ids, ignored }, source(&mut x, part), out)
            });
        }
    }
    done(&op.total, op.divisor, kept)
}

/// Room for the terms of a row, if it has more columns than a block, and not very many.
#[cfg(not(target_family = "wasm"))]
fn room(columns: usize) -> Vec<f64> {
    /// 2 MiB
    const MOST: usize = 1 << 18;
    let mut terms = Vec::new();
    if columns > BLOCK && columns <= MOST && terms.try_reserve_exact(columns).is_ok() {
        terms.resize(columns, 0.0);
    }
    terms
}

/// No call grows linear memory.
#[cfg(target_family = "wasm")]
fn room(_: usize) -> [f64; 0] {
    []
}

/// The binary cross entropy of scores, in place if `x` is absent. Without labels they are 1 for the first of each row
/// of `columns` scores and 0 for the rest.
pub fn binary_cross_entropy(
    env: &Environment,
    x: Option<impl FloatArray>,
    labels: Option<impl FloatArray>,
    columns: f64,
    mean: bool,
    out: impl OutArray,
) -> LossRun {
    let isa = env.isa();
    each_element(
        x,
        labels,
        columns as usize,
        mean,
        out,
        |labels, divisor, x, out, total| ops::binary_cross_entropy(isa, labels, divisor, x, out, total),
    )
}

/// The squared error of elements, in place if `x` is absent.
pub fn squared_error(
    env: &Environment,
    x: Option<impl FloatArray>,
    target: impl FloatArray,
    mean: bool,
    out: impl OutArray,
) -> LossRun {
    let isa = env.isa();
    each_element(x, Some(target), 1, mean, out, |target, divisor, x, out, total| {
        ops::squared_error(isa, target, divisor, x, out, total)
    })
}

/// Calls `work(labels, divisor, x, out, total)` with parts of the elements that begin with a block.
fn each_element(
    mut x: Option<impl FloatArray>,
    mut labels: Option<impl FloatArray>,
    columns: usize,
    mean: bool,
    mut out: impl OutArray,
    work: impl Fn(Labels<'_>, f64, Source<'_>, &mut [f32], &mut Total),
) -> LossRun {
    let (count, most) = values(&x, &out);
    let read = x.as_ref().map_or(0..0, FloatArray::address);
    let others = labels.as_ref().map_or(0..0, FloatArray::address);
    out.expect(Some(count), &[read, others])?;
    if let Some(labels) = &labels {
        expect_same("labels", labels.len(), count)?;
    }
    let most = labels.as_ref().map_or(most, |labels| labels.most().min(most));
    let (divisor, mut total) = (divisor(count, mean), Total::default());
    for part in pieces(0..count, most / BLOCK * BLOCK) {
        out.edit(part.clone(), x.is_some(), |out| {
            let start = part.start;
            let labels = match &mut labels {
                Some(labels) => Labels::Slice(labels.tile(part.clone())),
                None => Labels::First { columns, start },
            };
            work(labels, divisor, source(&mut x, part), out, &mut total)
        });
    }
    done(&total, divisor, count)
}
