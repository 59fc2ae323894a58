//! The Rust sources keep the architecture's rules, and a planted violation of each rule is found. (What the rules say
//! of ts/ is held by test/house/architecture.test.ts.)

mod rules;

use rules::{violations, Rule, Sources, RULES, UNSAFE};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file under crates/*/src, and the manifests.
fn sources() -> Sources {
    fn walk(folder: &Path, name: &str, sources: &mut Sources) {
        for entry in fs::read_dir(folder).expect("a folder of the project") {
            let entry = entry.expect("an entry").path();
            let name = format!("{name}/{}", entry.file_name().unwrap().to_str().unwrap());
            if entry.is_dir() {
                walk(&entry, &name, sources);
            } else if name.ends_with(".rs") {
                sources.insert(name, fs::read_to_string(&entry).expect("a text"));
            }
        }
    }
    let mut sources = Sources::new();
    let mut manifests = vec!["Cargo.toml".to_owned()];
    for name in ["core", "node", "vectors", "wasm"] {
        let folder = format!("crates/{name}/src");
        walk(&root().join(&folder), &folder, &mut sources);
        manifests.push(format!("crates/{name}/Cargo.toml"));
    }
    for name in manifests {
        let text = fs::read_to_string(root().join(&name)).expect("a manifest");
        sources.insert(name, text);
    }
    sources
}

#[test]
fn the_sources_keep_every_rule() {
    let sources = sources();
    assert!(
        sources.contains_key("crates/core/src/ops/bag.rs")
            && sources.contains_key("crates/wasm/src/borrow.rs")
    );
    let found = violations(&sources);
    assert!(found.is_empty(), "{found:#?}");
}

/// A list that names more than there is would let unsafe code in unseen.
#[test]
fn the_files_with_unsafe_code_are_the_listed_ones() {
    let sources = sources();
    for (file, _) in UNSAFE {
        let text = sources.get(file).unwrap_or_else(|| panic!("{file} is gone"));
        assert!(text.contains("unsafe "), "{file} holds no unsafe code any more");
    }
}

/// A violation of each rule: the file it stands in, and what that says.
const PLANTED: [(Rule, &str, &str); 39] = [
    (RULES[0], "crates/core/src/simd/scalar.rs", "use crate::row::Row;"),
    (
        RULES[0],
        "crates/core/src/simd/scalar.rs",
        "use crate::dtype::DType;",
    ),
    (
        RULES[0],
        "crates/core/src/simd/scalar.rs",
        "use super::super::ops;",
    ),
    (RULES[0], "crates/core/src/row/mod.rs", "use super::ops::gather;"),
    (
        RULES[0],
        "crates/core/src/row/f32.rs",
        "use crate::{simd::Simd, ops::{gather, bag}};",
    ),
    (
        RULES[0],
        "crates/core/src/row/mod.rs",
        "macro_rules! m { () => { $crate::ops::gather } }",
    ),
    (
        RULES[0],
        "crates/core/src/ops/bag.rs",
        "fn f() -> crate::storage::StoredTable { todo!() }",
    ),
    (RULES[0], "crates/core/src/math.rs", "use crate::simd::Isa;"),
    (RULES[1], "crates/core/src/ops/bag.rs", "fn f(d: DType) {}"),
    (
        RULES[1],
        "crates/core/src/ops/bag.rs",
        "fn f(isa: Isa) -> bool { isa == Isa::Avx2 }",
    ),
    (
        RULES[1],
        "crates/core/src/ops/bag.rs",
        "fn f() { m!(crate::simd::Scalar) }",
    ),
    (RULES[1], "crates/core/src/ops/bag.rs", "use crate::row::F32Row;"),
    (RULES[1], "crates/core/src/row/f32.rs", "use crate::simd::Avx512;"),
    (
        RULES[2],
        "crates/core/src/ops/bag.rs",
        "#[cfg(target_arch = \"x86_64\")] fn f() {}",
    ),
    (
        RULES[2],
        "crates/core/src/ops/bag.rs",
        "fn f() -> bool { cfg!(debug_assertions) }",
    ),
    (
        RULES[2],
        "crates/wasm/src/lib.rs",
        "#[cfg(target_feature = \"simd128\")] fn f() {}",
    ),
    (
        RULES[2],
        "crates/core/src/simd/avx2.rs",
        "#[cfg(not(target_arch = \"x86_64\"))] fn f() {}",
    ),
    (
        RULES[2],
        "crates/core/src/row/f32.rs",
        "fn f() -> bool { is_x86_feature_detected!(\"avx2\") }",
    ),
    (
        RULES[3],
        "crates/core/src/row/f32.rs",
        "use std::arch::x86_64::*;",
    ),
    (
        RULES[3],
        "crates/node/src/lib.rs",
        "fn f() { core::arch::x86_64::_mm_pause() }",
    ),
    (
        RULES[4],
        "crates/core/src/table.rs",
        "fn f(d: DType) { match d { DType::F32 => {} } }",
    ),
    (
        RULES[4],
        "crates/core/src/host.rs",
        "fn f(d: DType) { if let dtype::DType::F32 = d {} }",
    ),
    (
        RULES[4],
        "crates/core/src/host.rs",
        "fn f(d: DType) -> bool { d == DType::F32 }",
    ),
    (
        RULES[4],
        "crates/node/src/lib.rs",
        "fn f(d: DType) -> bool { matches!(d, DType::F32) }",
    ),
    (
        RULES[4],
        "crates/core/src/table.rs",
        "use crate::dtype::DType::F32;",
    ),
    (
        RULES[5],
        "crates/node/src/lib.rs",
        "fn f(x: &mut [f32]) { for x in x { *x = 0.0 } }",
    ),
    (
        RULES[5],
        "crates/node/src/lib.rs",
        "fn f(x: &[f32]) { for w in windows(1, 2, 3, 4) {} }",
    ),
    (
        RULES[5],
        "crates/wasm/src/ranges.rs",
        "fn f(x: &[f32]) { for i in 0..x.len() {} }",
    ),
    (
        RULES[5],
        "crates/wasm/src/lib.rs",
        "fn f(x: &mut [f32]) { x.iter_mut().for_each(|x| *x = 0.0) }",
    ),
    (
        RULES[5],
        "crates/wasm/src/lib.rs",
        "fn f(x: &[f32]) -> f32 { with(|| x.iter().sum()) }",
    ),
    (
        RULES[5],
        "crates/wasm/src/lib.rs",
        "fn f() { for w in windows(1, 2, 3, 4) { while true {} } }",
    ),
    (
        RULES[5],
        "crates/node/src/borrow.rs",
        "macro_rules! m { ($x:expr) => { for x in $x {} } }",
    ),
    (
        RULES[6],
        "crates/core/src/ops/bag.rs",
        "fn f(p: *const f32) -> f32 { unsafe { *p } }",
    ),
    (
        RULES[6],
        "crates/node/src/lib.rs",
        "unsafe fn f() {} unsafe fn g() {}",
    ),
    (
        RULES[7],
        "crates/core/src/ops/bag.rs",
        "fn f(a: f32) -> f32 { a.mul_add(a, a) }",
    ),
    (
        RULES[7],
        "crates/core/src/simd/neon.rs",
        "fn f() { vfmaq_f32(a, b, c) }",
    ),
    (
        RULES[8],
        "crates/core/src/table.rs",
        "#[allow(clippy::undocumented_unsafe_blocks)] fn f() {}",
    ),
    (
        RULES[9],
        "crates/core/Cargo.toml",
        "[lints]\nworkspace = true\n\n[dependencies]\nlibc = \"0.2\"\n",
    ),
    (
        RULES[9],
        "crates/wasm/Cargo.toml",
        "[package]\nname = \"tokenbed-wasm\"\n",
    ),
];

#[test]
fn a_planted_violation_of_each_rule_is_found() {
    let all = sources();
    // The instances of Simd and Row, whose names some rules take from there.
    let instances: Sources = all
        .iter()
        .filter(|(file, _)| file.contains("/simd/") || file.contains("/row/"))
        .map(|(file, text)| (file.clone(), text.clone()))
        .collect();
    for (rule, file, text) in PLANTED {
        assert!(all.contains_key(file), "{file} is not there to be broken");
        let mut broken = instances.clone();
        broken.insert(file.to_owned(), text.to_owned());
        let found = violations(&broken);
        assert!(
            found
                .iter()
                .any(|violation| violation.rule == rule && violation.file == file),
            "not found in {file}: {text}\nthat {rule}; found: {found:#?}"
        );
    }
    for rule in RULES {
        assert!(
            PLANTED.iter().any(|(planted, ..)| *planted == rule),
            "no violation is planted of: {rule}"
        );
    }
}

/// What keeps every rule although it comes near to breaking one.
const CLEAN: [(&str, &str); 9] = [
    (
        "crates/core/src/simd/scalar.rs",
        "//! Neither DType nor Row.\nuse super::Simd;",
    ),
    (
        "crates/core/src/row/f32.rs",
        "use super::Row;\nuse crate::{dtype::DType, simd::Simd};",
    ),
    ("crates/core/src/row/f32.rs", "const D: DType = DType::F32;"),
    (
        "crates/core/src/row/mod.rs",
        "fn f(d: DType) { match d { DType::F32 => {} } }",
    ),
    (
        "crates/core/src/ops/bag.rs",
        "/// As on AVX2.\nfn f<S: Simd>(isa: Isa, x: S::F32) -> f32 { \"Avx2\"; 0.0 }",
    ),
    (
        "crates/core/src/host.rs",
        "fn f() { StoredTable::zeroed(DType::F32, 1, 1); }",
    ),
    (
        "crates/wasm/src/lib.rs",
        "fn f() { for w in at.windows(1, 2) { for p in pieces(0..1, 1) {} } }",
    ),
    (
        "crates/node/src/lib.rs",
        "fn f(x: &Option<u8>) { unsafe { g() }; x.iter().try_for_each(|x| h(x)); }",
    ),
    (
        "crates/core/Cargo.toml",
        "[lints]\nworkspace = true\n\n[dev-dependencies]\nsyn = \"3\"\n",
    ),
];

#[test]
fn what_keeps_the_rules_is_left_alone() {
    for (file, text) in CLEAN {
        let found = violations(&Sources::from([(file.to_owned(), text.to_owned())]));
        assert!(found.is_empty(), "{file}: {text}\n{found:#?}");
    }
}
