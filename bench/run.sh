#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh build
cargo bench -p recto-engine
cargo build --release -p recto
bench/catalogue.py --recto "${CARGO_TARGET_DIR:-target}/release/recto"
# Searching, and SQLite's own full-text index on the same pages as the floor.
words=${RECTO_BENCH_WORDS:+--words "$RECTO_BENCH_WORDS"}
cargo run --release -p recto-search --example million -- --pages 20000 $words
cargo build --release -p recto-service --example texts
bench/search.py --recto "${CARGO_TARGET_DIR:-target}/release/recto" --texts "${CARGO_TARGET_DIR:-target}/release/examples/texts" $words
corpus=${RECTO_BENCH_CORPUS:-}
if [ -n "$corpus" ] && [ -e "$corpus/L/L-jpegtif.tif" ]; then
    bench/overload.py --recto "${CARGO_TARGET_DIR:-target}/release/recto" --image "$corpus/L/L-jpegtif.tif"
else
    echo "bench: set RECTO_BENCH_CORPUS to a folder with L/L-jpegtif.tif (20000 x 15000, 256-pixel JPEG tiles) to run overload.py" >&2
fi
