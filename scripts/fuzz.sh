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
export RUSTC_BOOTSTRAP=1
exec cargo fuzz run --release "$target" "$corpus" -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=300000
