#!/usr/bin/env bash
# Everything that CI runs, in the order in which failures are cheapest. Ends with a list of what ran.
set -euo pipefail
cd "$(dirname "$0")/.."
ran=()
step() {
    local name=$1 began=$SECONDS
    shift
    echo "== $name" >&2
    "$@"
    ran+=("$name ($((SECONDS - began)) s)")
}
report() {
    local status=$?
    echo "== ran:" >&2
    printf '   %s\n' "${ran[@]}" >&2
    [ $status = 0 ] || echo "== FAILED" >&2
    exit $status
}
trap report EXIT

step "tools" scripts/setup.sh test
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
step "format" cargo fmt --check
step "lints" cargo clippy --workspace --all-targets --quiet -- -D warnings
step "arrows" cargo run -q -p xtask -- arrows
step "unit, golden, property, pixel and black-box tests" cargo test --workspace --quiet
step "what benchmarks judge" python3 -m unittest discover -q -s bench
step "documentation examples" cargo test --workspace --doc --quiet
export RECTO=${CARGO_TARGET_DIR:-target}/debug/recto
step "official validators" tests/validators/run.sh
step "viewers in a browser" tests/browser/run.sh
