//! The memory is imported: `ts/backend/wasm.ts` decides how much of it is reserved at the start.
fn main() {
    println!("cargo::rustc-cdylib-link-arg=--import-memory");
    println!("cargo::rustc-cdylib-link-arg=--max-memory=4294967296");
}
