#!/usr/bin/env bash
# All benches that can be run here; those that cannot are named, with what they lack. Fails when one of them does.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh build
target=${CARGO_TARGET_DIR:-target}
recto=$target/release/recto
failed=()
attempt() { echo "bench: $*" >&2; "$@" || failed+=("$* ($?)"); }
without() { echo "bench: $1 is left out: $2" >&2; }

cargo build --release -p recto
cargo build --release -p recto-service --example texts
attempt python3 -m unittest discover -s bench
attempt cargo bench -p recto-engine
attempt cargo bench -p recto-cache --bench d5
attempt bench/catalogue.py --recto "$recto"
attempt env RECTO="$recto" bench/mutations.py ${RECTO_BENCH_SEEDS:+"$RECTO_BENCH_SEEDS"}
attempt bench/steady.py --recto "$recto" --library "${RECTO_BENCH_LIBRARY:-examples}"
# Searching, and SQLite's own full-text index on the same pages as the floor.
words=${RECTO_BENCH_WORDS:+--words "$RECTO_BENCH_WORDS"}
attempt cargo run --release -p recto-search --example million -- --pages 20000 $words
attempt bench/search.py --recto "$recto" --texts "$target/release/examples/texts" $words

if [ -n "${RECTO_BENCH_CORPUS:-}" ]; then
    attempt bench/overload.py --recto "$recto" --corpus "$RECTO_BENCH_CORPUS" \
        ${RECTO_BENCH_MEGAPIXELS:+--least-megapixels "$RECTO_BENCH_MEGAPIXELS"}
else
    without overload.py "set RECTO_BENCH_CORPUS to a folder of large images; \`bench/large.py FOLDER\` draws them"
fi
if command -v vips >/dev/null && command -v wrk >/dev/null; then
    attempt bench/peers.py --recto "$recto" ${RECTO_BENCH_KEEP:+--keep "$RECTO_BENCH_KEEP"} \
        ${RECTO_BENCH_IIPSRV:+--iipsrv "$RECTO_BENCH_IIPSRV"} ${RECTO_BENCH_NODE_MODULES:+--node-modules "$RECTO_BENCH_NODE_MODULES"}
else
    without peers.py "it needs wrk and libvips-tools, and is of use beside nginx-light and iipimage-server"
fi
if [ ${#failed[@]} -gt 0 ]; then
    printf 'bench: FAILED: %s\n' "${failed[@]}" >&2
    exit 1
fi
