#!/usr/bin/env bash
# Runs one fuzz target: scripts/fuzz.sh TARGET SECONDS [SEED FILE OR FOLDER...]. A stable toolchain suffices.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1 seconds=$2
shift 2
corpus=fuzz/corpus/$target
mkdir -p "$corpus"
for seed in "$@"; do
    find "$seed" -type f -size -200k -exec cp -n {} "$corpus/" \;
done
cargo build --release -p recto-codec --bin contained-decoder
RECTO_CONTAINED_DECODER=$(realpath "${CARGO_TARGET_DIR:-target}/release/contained-decoder")
export RECTO_CONTAINED_DECODER RUSTC_BOOTSTRAP=1 ASAN_OPTIONS=quarantine_size_mb=16:allocator_may_return_null=1:detect_leaks=0
exec cargo fuzz run --release "$target" "$corpus" -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=300 -max_len=100000
