//! Losses compared with the reference, bit for bit, on every instruction set, and with big integers.

mod common;
mod reference;

use common::{bits_any_nan, for_each_isa, painted, WIDTHS};
use proptest::prelude::*;
use reference::fixed::{alternating, power_of_two, Fixed};
use reference::loss as plain;
use reference::rng::word;
use std::panic::{catch_unwind, AssertUnwindSafe};
use tokenbed_core::ops::loss::{binary_cross_entropy, squared_error, CrossEntropy, Labels, Targets, Total};
use tokenbed_core::ops::Source;
use tokenbed_core::simd::{detect, Isa};
use tokenbed_core::Ids;

/// The target that is ignored.
const IGNORED: i64 = -100;

/// A number in [-1, 1) with a long significand.
fn number(stream: u32, i: usize) -> f32 {
    word(21, stream, 0, i as u64) as i32 as f32 / 2_147_483_648.0
}

/// Scores of several magnitudes, with ties and zeros.
fn scores(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| match i % 7 {
            0 => (i % 3) as f32,
            1 => number(1, i) * 40.0,
            2 => -0.0,
            _ => number(2, i) * 5.0,
        })
        .collect()
}

/// Scores with special values of every kind.
fn odd_scores(n: usize) -> Vec<f32> {
    let odd = [
        f32::NEG_INFINITY,
        f32::NAN,
        f32::INFINITY,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE / 4.0,
        -800.0,
        -745.0,
        f32::NEG_INFINITY,
    ];
    let mut all = scores(n);
    for (i, x) in all.iter_mut().enumerate() {
        let hash = (i as u32).wrapping_mul(0x9e37_79b9) >> 16;
        if hash.is_multiple_of(11) {
            *x = odd[hash as usize / 11 % odd.len()];
        }
    }
    all
}

/// A target for each row; every fifth is ignored.
fn some_targets(rows: usize, columns: usize) -> Vec<i32> {
    (0..rows)
        .map(|r| match r % 5 {
            3 => IGNORED as i32,
            _ => (r * 37 % columns) as i32,
        })
        .collect()
}

/// A loss without its division by N, and the gradient in painted surroundings.
fn run_cross_entropy(
    isa: Isa,
    x: &[f32],
    columns: usize,
    targets: &[i32],
    n: f64,
    in_place: bool,
    room: usize,
) -> (f64, Vec<f32>) {
    let mut total = f64::NAN;
    let gradient = painted(x.len(), |out| {
        let source = match in_place {
            true => {
                out.copy_from_slice(x);
                Source::InPlace
            }
            false => Source::Slice(x),
        };
        let mut op = CrossEntropy {
            isa,
            columns,
            divisor: n,
            terms: &mut vec![0.5; room],
            total: Total::default(),
        };
        let ids = Some(Ids::I32(targets));
        let ignored = Some(IGNORED);
        op.rows(&Targets { ids, ignored }, source, out);
        total = op.total.value();
    });
    (total, gradient)
}

fn same(name: &str, (total, gradient): (f64, Vec<f32>), expected: &plain::Loss) {
    assert_eq!(
        bits_any_nan(&gradient),
        bits_any_nan(&expected.gradient),
        "{name}: gradient"
    );
    let same = total.to_bits() == expected.total.to_bits() || (total.is_nan() && expected.total.is_nan());
    assert!(same, "{name}: loss {total:e}, expected {:e}", expected.total);
}

fn columns_of(targets: &[i32]) -> Vec<Option<usize>> {
    targets.iter().map(|&t| usize::try_from(t).ok()).collect()
}

#[test]
fn small_example() {
    for_each_isa!(isa => {
        let x = [1.0, 1.0, 0.0, f32::NEG_INFINITY];
        let (total, gradient) = run_cross_entropy(isa, &x, 2, &[1, 0], 2.0, false, 0);
        assert_eq!((total, &gradient[..]), (std::f64::consts::LN_2, &[0.25, -0.25, 0.0, 0.0][..]));
        let (mut sum, mut out) = (Total::default(), [0.0; 2]);
        let labels = Labels::First { columns: 2, start: 0 };
        binary_cross_entropy(isa, labels, 1.0, Source::InPlace, &mut out, &mut sum);
        assert_eq!((sum.value(), out), (2.0 * std::f64::consts::LN_2, [-0.5, 0.5]));
        let (mut sum, target) = (Total::default(), Labels::Slice(&[1.0, 5.0]));
        squared_error(isa, target, 2.0, Source::Slice(&[4.0, 3.0]), &mut out, &mut sum);
        assert_eq!((sum.value(), out), (13.0, [3.0, -2.0]));
    });
}

#[test]
fn cross_entropy_of_every_width() {
    let wide = [1023, 1024, 1025, 2047, 2048, 3001];
    for columns in WIDTHS.into_iter().chain(wide) {
        // More rows than are computed together, where that is quick.
        let rows = if columns < 10 { 300 } else { 7 };
        for (name, x) in [("", scores(rows * columns)), ("odd", odd_scores(rows * columns))] {
            let targets = some_targets(rows, columns);
            let expected = plain::cross_entropy(&x, columns, &columns_of(&targets), 3.0);
            for_each_isa!(isa => {
                for (in_place, room) in [(false, 0), (true, columns)] {
                    let run = run_cross_entropy(isa, &x, columns, &targets, 3.0, in_place, room);
                    same(&format!("{isa:?}: {rows} x {columns} {name}"), run, &expected);
                }
            });
        }
    }
}

#[test]
fn rows_in_parts_have_the_same_bits() {
    for columns in [1024, 1025, 5000] {
        for x in [scores(columns), odd_scores(columns)] {
            for target in [Some(0), Some(1024.min(columns - 1)), Some(columns - 1), None] {
                let expected = plain::cross_entropy(&x, columns, &[target], 2.0);
                for_each_isa!(isa => {
                    for (most, room) in [(1024, 0), (1024, columns), (2500, columns - 1), (usize::MAX, columns)] {
                        let mut total = f64::NAN;
                        let gradient = painted(columns, |out| {
                            let mut terms = vec![0.5; room];
                            let (divisor, sum) = (2.0, Total::default());
                            let mut op = CrossEntropy { isa, columns, divisor, terms: &mut terms, total: sum };
                            op.wide_row(target, most, &mut |cols, first, work| {
                                assert!(cols.len() <= most && cols.start % 1024 == 0, "{cols:?}");
                                let out = &mut out[cols.clone()];
                                if first {
                                    out.copy_from_slice(&x[cols]);
                                }
                                work(out)
                            });
                            total = op.total.value();
                        });
                        same(&format!("{isa:?}: {columns} columns, {most} at a time"), (total, gradient), &expected);
                    }
                });
            }
        }
    }
}

#[test]
fn targets_of_every_type() {
    let x = scores(4 * 3);
    let expected = plain::cross_entropy(&x, 3, &[Some(2), Some(0), Some(1), Some(2)], 4.0);
    let ids = [
        Ids::I8(&[2, 0, 1, 2]),
        Ids::U8(&[2, 0, 1, 2]),
        Ids::I16(&[2, 0, 1, 2]),
        Ids::U16(&[2, 0, 1, 2]),
        Ids::I32(&[2, 0, 1, 2]),
        Ids::U32(&[2, 0, 1, 2]),
    ];
    for ids in ids.map(Some) {
        let targets = Targets { ids, ignored: None };
        let mut out = x.clone();
        let (isa, terms) = (detect(), &mut [][..]);
        let mut op = CrossEntropy {
            isa,
            columns: 3,
            divisor: 4.0,
            terms,
            total: Total::default(),
        };
        op.rows(&targets, Source::InPlace, &mut out);
        same(&format!("{ids:?}"), (op.total.value(), out), &expected);
    }
}

#[test]
fn without_targets_column_0_is_right() {
    let x = scores(6 * 4);
    for (ignored, target) in [(None, Some(0)), (Some(3), Some(0)), (Some(0), None)] {
        let expected = plain::cross_entropy(&x, 4, &[target; 6], 6.0);
        let mut out = vec![0.0; 24];
        let (isa, terms) = (detect(), &mut [][..]);
        let mut op = CrossEntropy {
            isa,
            columns: 4,
            divisor: 6.0,
            terms,
            total: Total::default(),
        };
        op.rows(&Targets { ids: None, ignored }, Source::Slice(&x), &mut out);
        same(&format!("{ignored:?}"), (op.total.value(), out), &expected);
    }
}

const LENGTHS: [usize; 12] = [0, 1, 2, 7, 8, 9, 17, 100, 1023, 1024, 1025, 5003];

#[test]
fn losses_of_elements_of_every_length() {
    for n in LENGTHS {
        let labels: Vec<f32> = (0..n)
            .map(|i| match i % 4 {
                0 => 1.0,
                1 => 0.0,
                _ => number(3, i),
            })
            .collect();
        for x in [scores(n), odd_scores(n)] {
            let binary = plain::binary_cross_entropy(&x, &labels, 7.0);
            let square = plain::squared_error(&x, &labels, 7.0);
            let kernels = [
                (&binary, binary_cross_entropy as fn(_, _, _, _, &mut _, &mut _)),
                (&square, squared_error),
            ];
            for_each_isa!(isa => {
                for in_place in [false, true] {
                    for (expected, kernel) in kernels {
                        let mut total = Total::default();
                        let gradient = painted(n, |out| {
                            let source = match in_place {
                                true => {
                                    out.copy_from_slice(&x);
                                    Source::InPlace
                                }
                                false => Source::Slice(&x),
                            };
                            kernel(isa, Labels::Slice(&labels), 7.0, source, out, &mut total)
                        });
                        same(&format!("{isa:?}: {n} elements"), (total.value(), gradient), expected);
                    }
                }
            });
        }
    }
}

#[test]
fn default_labels_are_1_for_the_first_of_each_row() {
    let n = 4000;
    let x = scores(n);
    for columns in [1, 2, 3, 6, 7, 8, 1000, 1024, 1025, 3999, 5000] {
        let labels: Vec<f32> = (0..n).map(|i| if i % columns == 0 { 1.0 } else { 0.0 }).collect();
        let expected = plain::binary_cross_entropy(&x, &labels, 1.0);
        for_each_isa!(isa => {
            for part in [1024, 2048, n] {
                let (mut total, mut out) = (Total::default(), x.clone());
                for (p, out) in out.chunks_mut(part).enumerate() {
                    let labels = Labels::First { columns, start: p * part };
                    binary_cross_entropy(isa, labels, 1.0, Source::InPlace, out, &mut total);
                }
                same(&format!("{isa:?}: {columns} columns"), (total.value(), out), &expected);
            }
        });
    }
}

/// ln(1 + x)
fn ln_1p(x: Fixed) -> Fixed {
    let quarter = Fixed::from_int(1).over(4);
    if x <= quarter {
        return alternating(x, |term, n| {
            term.times(x).times(Fixed::from_int(n + 1)).over(n + 2)
        });
    }
    // The sum is u + d, where d is below 1 ulp of the f64 u: ln u + d / u, with the rest below 2^-105.
    let sum = x.plus(Fixed::from_int(1));
    let u = sum.to_f64();
    let d = Fixed::from_f64((sum.distance(Fixed::from_f64(u)).to_f64()) / u);
    match sum >= Fixed::from_f64(u) {
        true => Fixed::ln(u).plus(d),
        false => Fixed::ln(u).minus(d),
    }
}

/// a - b, as sign and magnitude.
fn minus(a: Fixed, b: Fixed) -> (bool, Fixed) {
    match a >= b {
        true => (false, a.minus(b)),
        false => (true, b.minus(a)),
    }
}

/// Asserts that `x` is within 1 ulp of numerator / denominator.
fn assert_within_one_ulp(x: f32, (negative, numerator): (bool, Fixed), denominator: Fixed, name: &str) {
    assert!(x == 0.0 || (x < 0.0) == negative, "{name}: the sign of {x:e}");
    let exponent = (x.abs().to_bits() >> 23).max(1) as i32 - 150;
    let ulp = Fixed::from_f64(power_of_two(exponent));
    let error = Fixed::from_f64(f64::from(x.abs()))
        .times(denominator)
        .distance(numerator);
    assert!(
        error <= ulp.times(denominator),
        "{name}: {x:e} is more than 1 ulp off"
    );
}

fn assert_close(loss: f64, exact: Fixed, name: &str) {
    let error = Fixed::from_f64(loss).distance(exact).to_f64();
    assert!(
        error <= 1e-12 * exact.to_f64(),
        "{name}: loss {loss:e}, exactly {:e}",
        exact.to_f64()
    );
}

/// e^-x for x >= 0.
fn exp_negative(x: Fixed) -> Fixed {
    x.exp_negative()
}

/// Compares a row with big integers: the gradient of each column, and the loss.
fn check_row(x: &[f32], target: usize, n: u64) {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let below = |x: f32| Fixed::from_f64(f64::from(max) - f64::from(x));
    let terms: Vec<Fixed> = x.iter().map(|&x| exp_negative(below(x))).collect();
    let sum = terms.iter().fold(Fixed::ZERO, |sum, &term| sum.plus(term));
    let ids = [target as i32];
    let (loss, gradient) = run_cross_entropy(detect(), x, x.len(), &ids, n as f64, false, x.len());
    let name = format!(
        "{} columns from {x:.9?}, target {target}",
        x.len(),
        x = &x[..x.len().min(4)]
    );
    for (j, (&g, &term)) in gradient.iter().zip(&terms).enumerate() {
        let numerator = if j == target {
            minus(term, sum)
        } else {
            (false, term)
        };
        assert_within_one_ulp(
            g,
            numerator,
            sum.times(Fixed::from_int(n)),
            &format!("{name}, column {j}"),
        );
    }
    let exact = ln_1p(sum.minus(Fixed::from_int(1))).plus(below(x[target]));
    assert_close(loss, exact, &name);
}

#[test]
fn cross_entropy_is_as_exact_as_promised() {
    for columns in [1, 2, 3, 6, 40, 1025] {
        for (scale, n) in [(1e-6, 1), (0.5, 3), (3.0, 1000), (20.0, 7), (90.0, 1)] {
            let x: Vec<f32> = (0..columns).map(|i| number(4, i) * scale).collect();
            for target in [0, columns / 2, columns - 1] {
                check_row(&x, target, n);
            }
        }
    }
    // Almost certain: the loss and the gradient of the target are tiny.
    for gap in [1.0, 10.0, 30.0, 40.0, 60.0, 90.0] {
        for columns in [2, 5, 1025] {
            let mut x: Vec<f32> = (0..columns).map(|i| number(5, i) - gap).collect();
            x[1] = 3.25;
            check_row(&x, 1, 1);
            check_row(&x, 0, 1);
            x[0] = 3.25; // a tie
            check_row(&x, 1, 1);
        }
    }
}

#[test]
fn sums_of_many_small_terms_do_not_lose_them() {
    // Each is far below half an ulp of 1.
    let mut x = vec![-38.0; 50_001];
    x[17] = 0.0;
    let term = Fixed::from_int(38).exp_negative();
    let (loss, gradient) = run_cross_entropy(detect(), &x, x.len(), &[17], 1.0, true, 0);
    let others = term.times(Fixed::from_int(50_000));
    assert_close(loss, ln_1p(others), "loss");
    let sum = others.plus(Fixed::from_int(1));
    assert_within_one_ulp(gradient[17], (true, others), sum, "gradient of the target");
    assert_within_one_ulp(gradient[3], (false, term), sum, "gradient of another column");
}

#[test]
fn losses_of_many_rows_do_not_drift() {
    // The loss of each row rounds in the same direction.
    let rows = 300_000;
    let x = [0.0, 0.3].repeat(rows);
    let one =
        ln_1p(exp_negative(Fixed::from_f64(f64::from(0.3_f32)))).plus(Fixed::from_f64(f64::from(0.3_f32)));
    let (total, _) = run_cross_entropy(detect(), &x, 2, &vec![0; rows], 1.0, true, 0);
    let error = (total / (one.to_f64() * rows as f64) - 1.0).abs();
    assert!(error < 1e-15, "relative error {error:e}");
}

#[test]
fn binary_cross_entropy_is_as_exact_as_promised() {
    let one = Fixed::from_int(1);
    for i in 0..400 {
        let s = number(6, i) * [0.001, 1.0, 10.0, 90.0][i % 4];
        for y in [0.0, 1.0, 0.5, 0.25 + number(7, i).abs() / 2.0] {
            let (mut total, mut out) = (Total::default(), [s]);
            binary_cross_entropy(
                detect(),
                Labels::Slice(&[y]),
                3.0,
                Source::InPlace,
                &mut out,
                &mut total,
            );
            let size = Fixed::from_f64(f64::from(s.abs()));
            let e = exp_negative(size);
            let (sum, label) = (e.plus(one), Fixed::from_f64(f64::from(y)));
            // sigma(s) = 1 / (1 + e) for s >= 0, else e / (1 + e)
            let sigma = if s >= 0.0 { one } else { e };
            let numerator = minus(sigma, label.times(sum));
            let name = format!("s = {s:e}, y = {y}");
            let error = f64::from(out[0]) - {
                let (negative, value) = numerator;
                let exact = value.to_f64() / (3.0 * sum.to_f64());
                if negative {
                    -exact
                } else {
                    exact
                }
            };
            // Near cancellation the promise is absolute.
            if error.abs() > power_of_two(-50) {
                assert_within_one_ulp(out[0], numerator, sum.times(Fixed::from_int(3)), &name);
            }
            let linear = if s >= 0.0 { one.minus(label) } else { label };
            assert_close(total.value(), size.times(linear).plus(ln_1p(e)), &name);
        }
    }
}

#[test]
fn squared_error_is_as_exact_as_promised() {
    for i in 0..2_000 {
        let (x, t) = (
            number(8, i) * power_of_two(i as i32 % 20 - 10) as f32,
            number(9, i),
        );
        let (mut total, mut out) = (Total::default(), [x]);
        squared_error(
            detect(),
            Labels::Slice(&[t]),
            5.0,
            Source::InPlace,
            &mut out,
            &mut total,
        );
        // Both are multiples of 2^-60 below 2^11.
        let units = |x: f32| (f64::from(x) * power_of_two(60)) as i128;
        let difference = units(x) - units(t);
        let size = Fixed::from_f64(difference.unsigned_abs() as f64 * power_of_two(-60));
        let name = format!("{x:e} - {t:e}");
        let two = Fixed::from_int(2);
        assert_within_one_ulp(
            out[0],
            (difference < 0, size.times(two)),
            Fixed::from_int(5),
            &name,
        );
        assert_close(total.value(), size.times(size), &name);
    }
}

#[test]
fn a_masked_score_adds_nothing() {
    let x = [0.5, f32::NEG_INFINITY, -0.25, f32::NEG_INFINITY];
    let (loss, gradient) = run_cross_entropy(detect(), &x, 4, &[2], 1.0, false, 0);
    let (without, two) = run_cross_entropy(detect(), &[0.5, -0.25], 2, &[1], 1.0, false, 0);
    assert_eq!((loss, gradient), (without, vec![two[0], 0.0, two[1], 0.0]));

    let binary = |x: &[f32]| {
        let (mut total, mut out) = (Total::default(), x.to_vec());
        let labels = Labels::First {
            columns: x.len(),
            start: 0,
        };
        binary_cross_entropy(detect(), labels, 1.0, Source::InPlace, &mut out, &mut total);
        (total.value(), out)
    };
    let (loss, gradient) = binary(&[0.5, f32::NEG_INFINITY]);
    let (without, one) = binary(&[0.5]);
    assert_eq!((loss, gradient), (without, vec![one[0], 0.0]));
}

#[test]
fn special_rows() {
    let nan = [f32::NAN, f32::INFINITY];
    for columns in [1, 2, 20, 1100] {
        for at in [0, columns - 1] {
            for bad in nan {
                let mut x = scores(3 * columns);
                x[columns + at] = bad;
                let (loss, gradient) = run_cross_entropy(detect(), &x, columns, &[0, 0, 0], 1.0, false, 0);
                assert!(loss.is_nan(), "{bad} in column {at} of {columns}");
                for (i, g) in gradient.iter().enumerate() {
                    assert_eq!(
                        g.is_nan(),
                        i / columns == 1,
                        "{bad} in column {at} of {columns}: {i}"
                    );
                }
                // Excluded rows do not matter.
                let (loss, gradient) = run_cross_entropy(detect(), &x, columns, &[0, -100, 0], 1.0, false, 0);
                assert!(loss.is_finite());
                assert!(gradient[columns..2 * columns].iter().all(|g| g.to_bits() == 0));
            }
        }
        let x = vec![f32::NEG_INFINITY; columns];
        let (loss, gradient) = run_cross_entropy(detect(), &x, columns, &[0], 1.0, false, columns);
        assert!(
            loss.is_nan() && gradient.iter().all(|g| g.is_nan()),
            "{columns} times -Infinity"
        );
    }
    // The target itself is masked.
    let (loss, gradient) = run_cross_entropy(detect(), &[0.0, f32::NEG_INFINITY], 2, &[1], 1.0, false, 0);
    assert_eq!((loss, gradient), (f64::INFINITY, vec![1.0, -1.0]));
}

#[test]
fn a_total_keeps_infinity() {
    let x = [0.0, f32::NEG_INFINITY, 0.0, 0.0];
    let (loss, _) = run_cross_entropy(detect(), &x, 2, &[1, 0], 1.0, false, 0);
    assert_eq!(loss, f64::INFINITY);
}

#[test]
fn wrong_lengths_panic() {
    let run = |columns: usize, targets: &[i32], x: usize, out: usize| {
        let (x, mut out) = (vec![0.0; x], vec![0.0; out]);
        catch_unwind(AssertUnwindSafe(|| {
            let (isa, terms, total) = (detect(), &mut [][..], Total::default());
            let ids = Some(Ids::I32(targets));
            CrossEntropy {
                isa,
                columns,
                divisor: 1.0,
                terms,
                total,
            }
            .rows(
                &Targets {
                    ids,
                    ignored: Some(IGNORED),
                },
                Source::Slice(&x),
                &mut out,
            )
        }))
    };
    assert!(run(3, &[0, 2], 6, 6).is_ok());
    assert!(run(4, &[0, 2], 6, 6).is_err(), "no whole rows");
    assert!(run(0, &[0, 2], 6, 6).is_err(), "no columns");
    assert!(run(3, &[0], 6, 6).is_err(), "too few targets");
    assert!(run(3, &[0, 3], 6, 6).is_err(), "a target that is not a column");
    assert!(run(3, &[0, -1], 6, 6).is_err(), "a negative target");
    assert!(run(3, &[0, 2], 5, 6).is_err(), "too few scores");
    assert!(
        run(1500, &[1500], 1500, 1500).is_err(),
        "a target that is not a column of a wide row"
    );
}

proptest! {
    #[test]
    fn random_rows_equal_the_reference(
        columns in 1_usize..70,
        values in prop::collection::vec(
            prop_oneof![-4.0_f32..4.0, -200.0_f32..200.0, Just(f32::NEG_INFINITY)],
            70..400,
        ),
        n in 1_u32..100,
    ) {
        let rows = values.len() / columns;
        let x = &values[..rows * columns];
        let targets = some_targets(rows, columns);
        let expected = plain::cross_entropy(x, columns, &columns_of(&targets), f64::from(n));
        let (total, gradient) = run_cross_entropy(detect(), x, columns, &targets, f64::from(n), true, 0);
        prop_assert_eq!(bits_any_nan(&gradient), bits_any_nan(&expected.gradient));
        prop_assert!(total.to_bits() == expected.total.to_bits() || total.is_nan() && expected.total.is_nan());
    }
}
