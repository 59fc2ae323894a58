//! Instruction sets by name: which are here, how one is chosen, and that none is ever raised.

mod common;

use common::{for_each_isa, report};
use std::io::Write;
use tokenbed_core::checked::Ids;
use tokenbed_core::simd::{available, detect, Isa};

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
fn every_name_is_read_back() {
    for isa in Isa::ALL {
        assert_eq!(Isa::parse(isa.name()), Some(isa));
    }
    assert_eq!(
        Isa::ALL.map(Isa::name),
        ["avx512", "avx2", "neon", "simd128", "scalar"]
    );
    assert_eq!(Isa::parse("AVX2"), None);
    assert_eq!(Isa::parse(""), None);
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
fn an_instruction_set_is_lowered_never_raised() {
    for_each_isa!(isa => {
        assert_eq!(isa.lower_to(isa), isa);
        assert_eq!(isa.lower_to(Isa::Scalar), Isa::Scalar);
        assert_eq!(Isa::Scalar.lower_to(isa), Isa::Scalar);
        assert_eq!(detect().lower_to(isa), isa);
        for other in Isa::ALL.into_iter().filter(|other| !available().contains(other)) {
            assert_eq!(isa.lower_to(other), isa, "what this machine lacks");
        }
    });
}

#[test]
fn what_this_machine_lacks_is_refused() {
    for isa in Isa::ALL.into_iter().filter(|isa| !available().contains(isa)) {
        let refused = std::panic::catch_unwind(|| Ids::U8(&[0]).check(isa, 1).is_ok()).unwrap_err();
        let message = refused.downcast::<String>().unwrap();
        assert_eq!(*message, format!("this machine has no {}", isa.name()));
        assert!(std::panic::catch_unwind(|| isa.require()).is_err());
    }
}
