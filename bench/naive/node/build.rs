//! Tells the linker that the symbols of Node-API come from the host.
fn main() {
    napi_build::setup();
}
