//! Instruction sets by name: which are here, how one is chosen, and that none is ever raised.

mod common;

use common::{for_each_isa, report};
use std::io::Write;
use tokenbed_core::indices::Ids;
use tokenbed_core::simd::{available, compiled, detect, Isa};

#[test]
fn every_instruction_set_is_run_or_the_reason_is_printed() {
    // One write past cargo's capture, for whoever reads the summary.
    let lines = Isa::ALL.map(|isa| format!("\n{}", report(isa))).concat();
    writeln!(std::io::stdout(), "{lines}").unwrap();
    for_each_isa!(isa => {
        assert!(Ids::U8(&[9]).check(isa, 10).is_ok());
    });
}

#[test]
fn every_name_is_the_public_one() {
    assert_eq!(
        Isa::ALL.map(Isa::name),
        ["avx512", "avx2", "neon", "simd128", "scalar"]
    );
}

#[test]
fn what_is_available_was_compiled() {
    assert!(available().iter().all(|isa| compiled().contains(isa)));
    assert!(compiled().contains(&Isa::Scalar));
}

#[test]
fn the_best_comes_first_and_scalar_last() {
    assert_eq!(available().first(), Some(&detect()));
    assert_eq!(available().last(), Some(&Isa::Scalar));
    for pair in available().windows(2) {
        let place = |isa| Isa::ALL.iter().position(|&a| a == isa);
        assert!(place(pair[0]) < place(pair[1]), "{pair:?}");
    }
}

#[test]
fn what_this_machine_lacks_is_refused() {
    for isa in Isa::ALL.into_iter().filter(|isa| !available().contains(isa)) {
        let refused = std::panic::catch_unwind(|| Ids::U8(&[0]).check(isa, 1).is_ok()).unwrap_err();
        let message = refused.downcast::<String>().unwrap();
        assert_eq!(*message, format!("this machine does not support {}", isa.name()));
        assert!(std::panic::catch_unwind(|| isa.require()).is_err());
    }
}
