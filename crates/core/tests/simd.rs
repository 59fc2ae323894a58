//! Instruction sets: names, availability, and lowering.

mod common;

use common::{for_each_isa, report};
use std::io::Write;
use tokenbed_core::indices::Ids;
use tokenbed_core::simd::{available, compiled, detect, Isa};

#[test]
fn every_instruction_set_runs_or_the_reason_is_printed() {
    // Bypasses cargo's capture, so that the summary is visible.
    let lines = Isa::ALL.map(|isa| format!("\n{}", report(isa))).concat();
    writeln!(std::io::stdout(), "{lines}").unwrap();
    for_each_isa!(isa => {
        assert!(Ids::U8(&[9]).check(isa, 10).is_ok());
    });
}

#[test]
fn names_are_the_public_names() {
    assert_eq!(
        Isa::ALL.map(Isa::name),
        ["avx512", "avx2", "neon", "simd128", "scalar"]
    );
}

#[test]
fn available_instruction_sets_are_compiled() {
    assert!(available().iter().all(|isa| compiled().contains(isa)));
    assert!(compiled().contains(&Isa::Scalar));
}

#[test]
fn the_best_comes_first_and_scalar_last() {
    assert_eq!(available().first(), Some(&detect()));
    assert_eq!(available().last(), Some(&Isa::Scalar));
    for pair in available().windows(2) {
        let rank = |isa| Isa::ALL.iter().position(|&a| a == isa);
        assert!(rank(pair[0]) < rank(pair[1]), "{pair:?}");
    }
}

#[test]
fn an_unsupported_instruction_set_panics() {
    for isa in Isa::ALL.into_iter().filter(|isa| !available().contains(isa)) {
        let panic = std::panic::catch_unwind(|| Ids::U8(&[0]).check(isa, 1).is_ok()).unwrap_err();
        let message = panic.downcast::<String>().unwrap();
        assert_eq!(*message, format!("this machine does not support {}", isa.name()));
        assert!(std::panic::catch_unwind(|| isa.require()).is_err());
    }
}
