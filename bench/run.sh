#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh build
cargo bench -p recto-engine
cargo build --release -p recto
bench/catalogue.py --recto "${CARGO_TARGET_DIR:-target}/release/recto"
corpus=${RECTO_BENCH_CORPUS:-}
if [ -n "$corpus" ] && [ -e "$corpus/L/L-jpegtif.tif" ]; then
    bench/overload.py --recto "${CARGO_TARGET_DIR:-target}/release/recto" --image "$corpus/L/L-jpegtif.tif"
else
    echo "bench: set RECTO_BENCH_CORPUS to a folder with L/L-jpegtif.tif (20000 x 15000, 256-pixel JPEG tiles) to run overload.py" >&2
fi
