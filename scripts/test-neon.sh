#!/usr/bin/env bash
# Runs the core's tests on NEON: natively on aarch64, elsewhere cross-compiled and under qemu-user. Without arguments it then
# builds the addon, for scripts/suites/arm64.mjs. Takes about 5 minutes the first time (it builds std for aarch64), half of
# that afterwards. Requires on Debian, as root:
#   apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
# If a prerequisite is missing, it prints `NEON: NOT RUN: reason` and succeeds.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(uname -m)" = aarch64 ]; then exec cargo test -p tokenbed-core "$@"; fi

missing=()
for program in qemu-aarch64:qemu-user aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu; do
  command -v "${program%%:*}" >/dev/null || missing+=("${program##*:}")
done
[ -e /usr/aarch64-linux-gnu/lib/libc.so.6 ] || missing+=(libc6-dev-arm64-cross)
not_run() { echo "NEON: NOT RUN: $1"; exit 0; }
[ ${#missing[@]} -eq 0 ] || not_run "apt-get install ${missing[*]}"

target=aarch64-unknown-linux-gnu
RUSTUP_TOOLCHAIN=$(WASM_STD_TARGET=$target WASM_STD_CACHE=$PWD/.cache/rust-aarch64 bash scripts/setup-wasm-std.sh) ||
  not_run "no std for $target"
if [ -n "$RUSTUP_TOOLCHAIN" ]; then export RUSTUP_TOOLCHAIN; else unset RUSTUP_TOOLCHAIN; fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/neon
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
cargo test -p tokenbed-core --target $target "$@"
[ $# -gt 0 ] || cargo build -q --release -p tokenbed-node --target $target
