//! Splitting a call across threads: every row is computed once; panics; concurrent calls.

use std::collections::HashSet;
use std::ops::Range;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tokenbed_binding::pool::fork_join;
use tokenbed_binding::split::{
    by_bags, by_costly_rows, by_parts, by_rows, threads, Parts, LEAST_BYTES, MOST, PART_BYTES,
};
use tokenbed_core::indices::{Ids, Indices, Offsets};
use tokenbed_core::ops::{self, Bag, Bags, Mode};
use tokenbed_core::simd::detect;
use tokenbed_core::table::Table;

const THREADS: [usize; 5] = [0, 1, 2, 3, 8];

/// Adds to each value a number that depends on its row, so that double writes and wrong rows show.
fn mark(width: usize) -> impl Fn(Range<usize>, &mut [f32]) + Sync {
    move |rows, out| {
        assert_eq!(out.len(), rows.len() * width);
        for (row, out) in rows.zip(out.chunks_exact_mut(width)) {
            out.iter_mut().for_each(|x| *x += 1.0 + row as f32 * 4.0);
        }
    }
}

fn marked(rows: usize, width: usize) -> Vec<f32> {
    let values = (0..rows).flat_map(|row| std::iter::repeat_n(1.0 + row as f32 * 4.0, width));
    values.collect()
}

#[test]
fn every_row_is_computed_once() {
    for width in [
        1,
        3,
        384,
        1000,
        PART_BYTES / 4 - 1,
        PART_BYTES / 4,
        PART_BYTES / 4 + 1,
        300_000,
    ] {
        let least = LEAST_BYTES / 4 / width;
        for rows in [0, 1, least.saturating_sub(1), least, least + 1, 3 * least + 1] {
            let wanted = marked(rows, width);
            for threads in THREADS {
                let mut out = vec![0.0; rows * width];
                by_rows(threads, width, &mut out, mark(width));
                assert!(out == wanted, "{threads} threads, {rows} rows of {width}");
            }
        }
    }
}

#[test]
fn a_small_call_is_one_part_and_a_large_call_is_many() {
    let parts = |threads, len| {
        let parts = AtomicUsize::new(0);
        by_rows(threads, 1, &mut vec![0.0; len], |_, _| {
            parts.fetch_add(1, Ordering::Relaxed);
        });
        parts.into_inner()
    };
    let least = LEAST_BYTES / 4;
    assert_eq!((parts(8, 0), parts(8, 1), parts(8, least - 1)), (1, 1, 1));
    assert_eq!(parts(1, 10 * least), 1);
    assert_eq!(parts(2, least), LEAST_BYTES.div_ceil(PART_BYTES));
}

#[test]
fn a_costly_result_is_split_earlier_and_into_smaller_parts() {
    for (width, cost) in [(1, 1), (1, 50), (7, 50), (100, 1_000_000), (1, usize::MAX)] {
        let rows = 2 * LEAST_BYTES / 4 / width / cost.min(1000);
        for threads in THREADS {
            let (mut out, parts) = (vec![0.0; rows * width], AtomicUsize::new(0));
            by_costly_rows(threads, width, cost, 1, &mut out, |rows, out| {
                parts.fetch_add(1, Ordering::Relaxed);
                mark(width)(rows, out)
            });
            assert!(
                out == marked(rows, width),
                "{threads} threads, {rows} rows of {width}"
            );
            assert_eq!(
                parts.into_inner() > 1,
                threads > 1,
                "{threads} threads, cost {cost}"
            );
        }
    }
}

#[test]
fn a_part_has_the_least_rows() {
    let rows = 100;
    for least in [1, 16, 99, 100, 1000] {
        let (mut out, sizes) = (vec![0.0; rows * LEAST_BYTES / 4], Mutex::new(vec![]));
        by_costly_rows(4, out.len() / rows, 1, least, &mut out, |rows, _| {
            sizes.lock().unwrap().push(rows.len());
        });
        let mut sizes = sizes.into_inner().unwrap();
        sizes.sort();
        assert_eq!(sizes.iter().sum::<usize>(), rows);
        assert_eq!(
            sizes.len(),
            rows.div_ceil(least),
            "parts of at least {least} rows"
        );
        assert!(sizes[1..].iter().all(|&size| size >= least));
    }
}

#[test]
fn every_row_is_read_once_into_a_state_of_its_thread() {
    let least = LEAST_BYTES / 100;
    for rows in [0, 1, least - 1, least, 3 * least + 1] {
        for least_rows in [1, 64, 100_000] {
            for wanted in THREADS {
                let parts = Parts::of(wanted, rows, 100, least_rows);
                assert!(parts.threads >= 1 && parts.threads <= wanted.max(1));
                assert_eq!(
                    parts.threads > 1,
                    wanted > 1 && rows >= least && least_rows < rows
                );
                let mut states = vec![Vec::new(); parts.threads];
                by_parts(parts, &mut states, |seen, rows| {
                    assert!(seen.last().is_none_or(|&last| last < rows.start), "ascending");
                    seen.extend(rows);
                });
                let mut seen = states.concat();
                seen.sort();
                assert!(seen.into_iter().eq(0..rows), "{wanted} threads, {rows} rows");
            }
        }
    }
}

#[test]
fn a_panic_while_reading_reaches_the_caller() {
    let parts = Parts::of(4, 100_000, 1000, 1);
    let call = AssertUnwindSafe(|| {
        by_parts(parts, &mut [0; 4], |_, rows| {
            assert!(!rows.contains(&70_000), "row 70000")
        })
    });
    let message = *catch_unwind(call).unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(message, "row 70000");
    assert!(
        catch_unwind(|| by_parts(parts, &mut [(); 0], |_, _| ())).is_err(),
        "no states"
    );
}

/// Arrangements of bags that are hard to split: empty bags at either end and in the middle, one bag with all ids, and
/// many small bags.
fn arrangements() -> Vec<(&'static str, Vec<u32>, usize)> {
    let few = |i: u32| i * 3;
    vec![
        ("many small", (0..4000).map(few).collect(), 12_000),
        ("one large", vec![0], 20_000),
        ("all in the last", vec![0; 3000], 12_000),
        ("all in the first", [vec![0], vec![12_000; 3000]].concat(), 12_000),
        (
            "all in the middle",
            [vec![0; 1500], vec![12_000; 1500]].concat(),
            12_000,
        ),
        ("all empty", vec![0; 9000], 0),
        ("growing", (0..200).map(|i: u32| i * i).collect(), 40_000),
        ("none", vec![], 0),
    ]
}

#[test]
fn bags_are_never_split_and_keep_their_ids() {
    const DIM: usize = 129;
    let values: Vec<f32> = (0..50 * DIM).map(|i| (i as f32 * 4.8).fract() - 0.5).collect();
    let table = Table::f32(50, DIM, &values).unwrap();
    for (name, starts, n) in arrangements() {
        let ids: Vec<u32> = (0..n as u32).map(|i| i * i % 47).collect();
        let weights: Vec<f32> = (0..n).map(|i| 1.0 / (i + 1) as f32).collect();
        let mut forms = vec![Bags::Offsets(
            Offsets::check(Ids::U32(&starts), n, false).unwrap(),
        )];
        let closed = [&starts[..], &[n as u32]].concat();
        forms.push(Bags::Offsets(Offsets::check(Ids::U32(&closed), n, true).unwrap()));
        if n % 60 == 0 {
            let (bags, len) = (n / 60, 60);
            forms.push(Bags::Equal { bags, len });
        }
        let proven: Indices<'_> = Ids::U32(&ids).check(detect(), 50).unwrap();
        for bags in forms {
            for (mode, weights) in [
                (Mode::Sum, None),
                (Mode::Mean, Some(&weights[..])),
                (Mode::Max, None),
            ] {
                let spec = Bag {
                    table,
                    mode,
                    padding: Some(13),
                };
                let mut wanted = vec![f32::NAN; bags.bags() * DIM];
                ops::bag(detect(), &spec, proven, &bags, weights, &mut wanted);
                for threads in THREADS {
                    let mut out = vec![f32::NAN; wanted.len()];
                    by_bags(threads, &bags, DIM, &mut out, |part, out| {
                        let taken = bags.start(part.start)..bags.start(part.end);
                        let weights = weights.map(|weights| &weights[taken.clone()]);
                        ops::bag(
                            detect(),
                            &spec,
                            proven.slice(taken),
                            &bags.slice(part),
                            weights,
                            out,
                        );
                    });
                    let same = out.iter().zip(&wanted).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{name}, {mode:?}, {threads} threads");
                }
            }
        }
    }
}

#[test]
fn slices_of_bags_can_be_sliced() {
    let starts = [0u32, 2, 2, 5, 9];
    let bags = Bags::Offsets(Offsets::check(Ids::U32(&starts), 11, false).unwrap());
    assert_eq!(
        (0..=5).map(|b| bags.start(b)).collect::<Vec<_>>(),
        [0, 2, 2, 5, 9, 11]
    );
    let part = bags.slice(1..5).slice(1..3);
    assert_eq!((part.bags(), part.bag(0), part.bag(1)), (2, 0..3, 3..7));
    assert_eq!(bags.slice(5..5).bags(), 0);
    let equal = Bags::Equal { bags: 7, len: 3 }.slice(2..4);
    assert_eq!((equal.bags(), equal.bag(1)), (2, 3..6));
}

/// Runs `work` on the caller and on a helper thread. Retries while another test uses the pool.
fn with_helper(work: impl Fn(bool) + Sync) {
    let caller = thread::current().id();
    let until = Instant::now() + Duration::from_secs(60);
    let arrived = AtomicUsize::new(0);
    while arrived.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < until, "no helper thread joined");
        fork_join(2, &|| {
            let is_helper = thread::current().id() != caller;
            if is_helper {
                arrived.fetch_add(1, Ordering::SeqCst);
            } else {
                let deadline = Instant::now() + Duration::from_millis(100);
                while arrived.load(Ordering::SeqCst) == 0 && Instant::now() < deadline {
                    thread::yield_now();
                }
                if arrived.load(Ordering::SeqCst) == 0 {
                    return;
                }
            }
            work(is_helper);
        });
    }
}

#[test]
fn a_panic_is_propagated_to_the_caller_after_all_threads_have_ended() {
    for helper_panics in [true, false] {
        let ended = AtomicUsize::new(0);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            with_helper(|is_helper| {
                if is_helper == helper_panics {
                    panic!("a part failed");
                }
                thread::sleep(Duration::from_millis(20));
                ended.fetch_add(1, Ordering::SeqCst);
            });
        }));
        let payload = caught.expect_err("the panic was lost");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"a part failed"));
        assert_eq!(ended.load(Ordering::SeqCst), 1, "the other thread had not ended");
    }
    let mut out = vec![0.0; LEAST_BYTES];
    by_rows(3, 1, &mut out, mark(1));
    assert!(out == marked(LEAST_BYTES, 1));
}

#[test]
fn no_caller_waits_for_the_pool() {
    // Two callers meet inside their work: at most one of them has helpers, and neither waits for the other.
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let arrived = AtomicUsize::new(0);
                let caller = thread::current().id();
                fork_join(2, &|| {
                    if thread::current().id() == caller {
                        barrier.wait();
                        arrived.fetch_add(1, Ordering::SeqCst);
                    }
                });
                assert_eq!(arrived.load(Ordering::SeqCst), 1);
            });
        }
    });
}

#[test]
fn concurrent_callers_each_get_their_result() {
    let wanted = marked(LEAST_BYTES / 4, 1);
    thread::scope(|scope| {
        for caller in 0..6 {
            let wanted = &wanted;
            scope.spawn(move || {
                for _ in 0..30 {
                    let mut out = vec![0.0; LEAST_BYTES / 4];
                    by_rows(1 + caller % 4, 1, &mut out, mark(1));
                    assert!(out == *wanted);
                }
            });
        }
    });
}

#[test]
fn no_more_threads_than_requested() {
    for most in [1, 2, 5] {
        let seen = Mutex::new(HashSet::new());
        for _ in 0..20 {
            fork_join(most, &|| {
                seen.lock().unwrap().insert(thread::current().id());
                thread::sleep(Duration::from_millis(1));
            });
            assert!(seen.lock().unwrap().drain().count() <= most);
        }
    }
    assert_eq!((threads(1), threads(3), threads(9999)), (1, 3, MOST));
    assert!((1..=MOST).contains(&threads(0)));
}

/// The numbers of a list of ranges: `0-3,8` is 0, 1, 2, 3, 8.
#[cfg(target_os = "linux")]
fn numbers(list: &str) -> HashSet<u32> {
    let number = |text: &str| text.trim().parse::<u32>().expect("a number");
    let ranges = list
        .trim()
        .split(',')
        .map(|range| range.split_once('-').unwrap_or((range, range)));
    ranges
        .flat_map(|(first, last)| number(first)..=number(last))
        .collect()
}

/// The processors online that a thread of this process may use, from its entry in `/proc`.
#[cfg(target_os = "linux")]
fn processors(thread: &std::path::Path) -> HashSet<u32> {
    let read = |path: &std::path::Path| std::fs::read_to_string(path).expect("a file of the system");
    let status = read(&thread.join("status"));
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let online = read(std::path::Path::new("/sys/devices/system/cpu/online"));
    &numbers(allowed.expect("its processors")) & &numbers(&online)
}

#[cfg(target_os = "linux")]
#[test]
fn helpers_leave_the_processor_of_the_caller() {
    let own = processors(std::path::Path::new("/proc/thread-self"));
    let deadline = Instant::now() + Duration::from_secs(60);
    let placed = || {
        fork_join(2, &|| ());
        let mut helpers = Vec::new();
        for thread in std::fs::read_dir("/proc/self/task").expect("the threads") {
            let thread = thread.expect("a thread").path();
            let name = std::fs::read_to_string(thread.join("comm")).unwrap_or_default();
            if name.trim() == "tokenbed-helper" {
                helpers.push(processors(&thread));
            }
        }
        let left = |helper: &HashSet<u32>| helper.is_subset(&own) && helper.len() == (own.len() - 1).max(1);
        !helpers.is_empty() && helpers.iter().all(left)
    };
    while !placed() {
        assert!(Instant::now() < deadline, "helpers with other processors");
        thread::sleep(Duration::from_millis(1));
    }
}
