//! Every operation of every instruction set, compared lane by lane with scalar arithmetic.

use super::*;

/// Values whose pairs round, overflow or compare in unusual ways. All pairs are tested.
const VALUES: [f32; 17] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1.0 + f32::EPSILON,
    1.0 / 3.0,
    -3.7e9,
    f32::EPSILON / 2.0,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE / 4.0,
    1.0e-45,
    f32::MAX,
    f32::MIN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    -f32::NAN,
];

/// The bits of the lanes. Lanes beyond `LANES` are 0.5.
fn lanes<S: Simd>(simd: S, x: S::F32) -> [u32; MAX_LANES] {
    let mut out = [0.5; MAX_LANES];
    simd.store(x, &mut out);
    out.map(f32::to_bits)
}

/// Compares bits. The bits of a NaN from arithmetic are unspecified.
fn same(a: f32, b: u32) -> bool {
    a.to_bits() == b || (a.is_nan() && f32::from_bits(b).is_nan())
}

fn for_each(check: impl Fn(Isa)) {
    for &isa in available() {
        println!("isa {}: run", isa.name());
        check(isa);
    }
}

#[test]
fn load_fills_missing_lanes_with_zero() {
    #[inline(always)]
    fn check<S: Simd>(simd: S) {
        assert!(S::LANES <= MAX_LANES);
        let from: [f32; MAX_LANES + 3] = std::array::from_fn(|i| i as f32 + 1.0);
        for n in 0..from.len() {
            let actual = lanes(simd, simd.load(&from[..n]));
            for (k, actual) in actual.into_iter().enumerate() {
                let expected = if k >= S::LANES {
                    0.5
                } else if k < n {
                    from[k]
                } else {
                    0.0
                };
                assert_eq!(f32::from_bits(actual), expected, "lane {k} of a load of {n}");
            }
        }
        for (k, actual) in lanes(simd, simd.splat(-0.0)).into_iter().enumerate() {
            assert_eq!(actual, if k < S::LANES { -0.0f32 } else { 0.5 }.to_bits());
        }
    }
    for_each(|isa| dispatch!(isa, simd => check(simd)));
}

#[test]
fn a_short_store_writes_only_its_elements() {
    #[inline(always)]
    fn check<S: Simd>(simd: S) {
        let from: [f32; MAX_LANES] = std::array::from_fn(|i| i as f32 + 1.0);
        let x = simd.load(&from);
        for n in 0..MAX_LANES {
            let mut out = [0.5; MAX_LANES];
            simd.store(x, &mut out[..n]);
            for (k, actual) in out.into_iter().enumerate() {
                assert_eq!(
                    actual,
                    if k < n.min(S::LANES) { from[k] } else { 0.5 },
                    "element {k} of a store of {n}"
                );
            }
        }
    }
    for_each(|isa| dispatch!(isa, simd => check(simd)));
}

#[test]
fn arithmetic_equals_scalar_arithmetic() {
    #[inline(always)]
    fn check<S: Simd>(simd: S) {
        // Every pair occurs in every lane once.
        for shift in 0..VALUES.len() {
            for start in 0..VALUES.len() {
                let a: [f32; MAX_LANES] = std::array::from_fn(|k| VALUES[(start + k) % VALUES.len()]);
                let b: [f32; MAX_LANES] = std::array::from_fn(|k| VALUES[(start + k + shift) % VALUES.len()]);
                let (x, y) = (simd.load(&a), simd.load(&b));
                let sum = lanes(simd, simd.add(x, y));
                let product = lanes(simd, simd.mul(x, y));
                let quotient = lanes(simd, simd.div(x, y));
                let greater = lanes(simd, simd.greater(x, y));
                let max = lanes(simd, simd.max(x, y));
                let selected = [true, false].map(|first| lanes(simd, simd.select(first, x, y)));
                for k in 0..S::LANES {
                    let (a, b) = (a[k], b[k]);
                    assert!(same(a + b, sum[k]), "{a} + {b}");
                    assert!(same(a * b, product[k]), "{a} * {b}");
                    assert!(same(a / b, quotient[k]), "{a} / {b}");
                    assert_eq!(selected.map(|lanes| lanes[k]), [a, b].map(f32::to_bits));
                    let expected = if b > a { b } else { a };
                    assert_eq!(expected.to_bits(), greater[k], "the greater of {a}, then {b}");
                    let expected = if b > a || (b.is_nan() && !a.is_nan()) {
                        b
                    } else {
                        a
                    };
                    assert_eq!(expected.to_bits(), max[k], "max of {a}, then {b}");
                }
            }
        }
    }
    for_each(|isa| dispatch!(isa, simd => check(simd)));
}

#[test]
fn for_each_vector_visits_every_column_once() {
    #[inline(always)]
    fn check<S: Simd>(simd: S) {
        for len in 0..3 * MAX_LANES {
            let mut out: Vec<f32> = (0..len).map(|c| c as f32).collect();
            let mut next = 0;
            for_each_vector(
                simd,
                &mut out,
                #[inline(always)]
                |col, n, current| {
                    assert_eq!((col, n), (next, current.len()));
                    assert!(n == S::LANES || col + n == len);
                    next += n;
                    simd.add(simd.load(current), simd.splat(1.0))
                },
            );
            assert_eq!(next, len);
            assert_eq!(out, (0..len).map(|c| c as f32 + 1.0).collect::<Vec<_>>());
        }
    }
    for_each(|isa| dispatch!(isa, simd => check(simd)));
}

#[test]
fn roots_are_exact_and_subnormal_numbers_are_flushed_in_every_lane() {
    #[inline(always)]
    fn check<S: Simd>(simd: S) {
        let largest = f32::from_bits(f32::MIN_POSITIVE.to_bits() - 1);
        let values: Vec<f32> = [
            largest,
            -largest,
            -1.0e-45,
            2.0,
            3.0,
            5.0e-39,
            f32::from_bits(0x7f80_0001),
        ]
        .into_iter()
        .chain(VALUES)
        .chain((0..4096).map(|i: u32| f32::from_bits(i.wrapping_mul(0x9e37_79b9))))
        .collect();
        for start in 0..values.len() - MAX_LANES {
            let x = simd.load(&values[start..]);
            let (roots, flushed) = (lanes(simd, simd.sqrt(x)), lanes(simd, simd.flush(x)));
            for k in 0..S::LANES {
                let x = values[start + k];
                assert!(same(x.sqrt(), roots[k]), "root of {x}");
                let expected = match x.classify() {
                    std::num::FpCategory::Subnormal | std::num::FpCategory::Zero => 0.0,
                    _ => x,
                };
                assert_eq!(expected.to_bits(), flushed[k], "{x} without subnormal numbers");
            }
        }
    }
    for_each(|isa| dispatch!(isa, simd => check(simd)));
    // The defaults, which an instruction set may keep.
    let scalar = [2.0, 1.0e-45, f32::NAN].map(|x| map_lanes(Scalar, x, flush).to_bits());
    assert_eq!(scalar, [2.0f32.to_bits(), 0, f32::NAN.to_bits()]);
}

#[test]
fn non_temporal_stores_equal_stores_at_every_alignment() {
    #[inline(always)]
    fn check<S: Simd>(simd: S) {
        let from: [f32; MAX_LANES] = std::array::from_fn(|i| i as f32 + 1.0);
        let x = simd.load(&from);
        for start in 0..MAX_LANES {
            for n in 0..=MAX_LANES {
                let (mut stored, mut streamed) = ([0.5; 3 * MAX_LANES], [0.5; 3 * MAX_LANES]);
                simd.store(x, &mut stored[start..start + n]);
                simd.store_non_temporal(x, &mut streamed[start..start + n]);
                simd.fence();
                assert_eq!(streamed, stored, "{n} elements from {start} on");
            }
        }
    }
    for_each(|isa| dispatch!(isa, simd => check(simd)));
}

#[test]
fn any_address_can_be_prefetched() {
    #[inline(always)]
    fn check<S: Simd>(simd: S) {
        for hint in [Hint::Near, Hint::Far] {
            for address in [0, 1, LINE - 1, 1 << 46, usize::MAX / 2 + 1, usize::MAX] {
                simd.prefetch(hint, std::ptr::without_provenance(address));
            }
        }
    }
    for_each(|isa| dispatch!(isa, simd => check(simd)));
}

#[test]
fn slide_joins_the_end_of_one_vector_with_the_start_of_the_next() {
    #[inline(always)]
    fn check<S: Simd>(simd: S) {
        let a: [f32; MAX_LANES] = std::array::from_fn(|i| i as f32 + 1.0);
        let b = a.map(|x| -x);
        for from in 0..=S::LANES {
            let actual = lanes(simd, simd.slide(simd.load(&a), simd.load(&b), from));
            for (k, actual) in actual.into_iter().enumerate().take(S::LANES) {
                let expected = if from + k < S::LANES {
                    a[from + k]
                } else {
                    b[from + k - S::LANES]
                };
                assert_eq!(f32::from_bits(actual), expected, "lane {k} from {from} on");
            }
        }
    }
    for_each(|isa| dispatch!(isa, simd => check(simd)));
}

#[test]
fn stored_values_are_widened_in_every_lane() {
    /// Compares a load of `n` values with a conversion of each; the rest is +0.
    #[inline(always)]
    fn check<S: Simd, T>(simd: S, from: &[T], loaded: S::F32, convert: impl Fn(&T) -> f32) {
        let actual = lanes(simd, loaded);
        for (k, actual) in actual.into_iter().enumerate().take(S::LANES) {
            let expected = from.get(k).map_or(0.0, &convert);
            assert_eq!(actual, expected.to_bits(), "lane {k} of {}", from.len());
        }
    }
    #[inline(always)]
    fn check_all<S: Simd>(simd: S) {
        let halves: Vec<[u8; 2]> = (0..=u16::MAX).map(u16::to_le_bytes).collect();
        for start in (0..halves.len()).step_by(MAX_LANES) {
            for n in [0, 1, 2, 3, 5, 8, 11, 15, 16] {
                // Beginning at an odd byte, too.
                let bytes: Vec<u8> = [0].into_iter().chain(halves[start..start + n].concat()).collect();
                let from = &bytes[1..].as_chunks::<2>().0[..n];
                let half = |bytes: &[u8; 2]| u16::from_le_bytes(*bytes);
                check(simd, from, simd.load_f16(from), |bytes| f16_to_f32(half(bytes)));
                check(simd, from, simd.load_bf16(from), |bytes| bf16_to_f32(half(bytes)));
            }
        }
        let bytes: Vec<u8> = (0..=u8::MAX).chain(0..=u8::MAX).collect();
        for start in 0..256 {
            for n in 0..=MAX_LANES {
                let from = &bytes[start..start + n];
                check(simd, from, simd.load_u8(from), |&byte| f32::from(byte));
            }
        }
        for word in [
            0,
            u64::MAX,
            0x0123_4567_89ab_cdef,
            0xfedc_ba98_7654_3210,
            0x8000_0000_8000_0001,
        ] {
            let nibbles: Vec<u8> = (0..16).map(|k| (word >> (4 * k)) as u8 & 15).collect();
            check(simd, &nibbles, simd.load_u4(word), |&nibble| f32::from(nibble));
        }
    }
    for_each(|isa| dispatch!(isa, simd => check_all(simd)));
}
