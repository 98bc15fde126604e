#!/usr/bin/env bash
# The official Image API validators against the built program: level 2 and every optional test, for 2.1 and 3.0; then the same with
# limits switched on that admit the test picture and nothing that is blown up (D17).
# Needs $RECTO (the program) and the environment that scripts/setup.sh test makes.
set -euo pipefail
cd "$(dirname "$0")/../.."
recto=${RECTO:?the program to test}
venv=${CARGO_TARGET_DIR:-target}/validators
id=67352ccc-d1b0-11e1-89ae-279075081939
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
mkdir "$work/library"
# The test picture comes with the newer validator.
cp "$("$venv/ng/bin/python" -c 'import iiif_validator, pathlib; print(pathlib.Path(iiif_validator.__file__).parent / "validation_image.png")')" \
    "$work/library/$id.png"
failed=0
# validate NAME OPTION...: both validators, both versions, against a server with these options. NAME is `plain` or `limits`.
validate() {
    local name=$1 option address= options=() version tests test arguments
    shift
    for option in "$@"; do options+=(--set "$option"); done
    : >"$work/log-$name"
    # The newer validator compares the corners of turned images with black ones.
    "$recto" serve "$work/library" --listen 127.0.0.1:0 --state "$work/state-$name" --set 'image.background=#000000' \
        "${options[@]}" 2>"$work/log-$name" &
    server=$!
    for _ in $(seq 200); do
        address=$(sed -n 's/^listening on //p' "$work/log-$name")
        [ -n "$address" ] && break
        sleep 0.05
    done
    [ -n "$address" ] || { cat "$work/log-$name" >&2; exit 1; }
    for version in 2 3; do
        # Level 3 is the validator's word for "every optional test".
        tests=$("$venv/classic/bin/python" tests/validators/classic_tests.py "$version.0" "$name")
        arguments=()
        for test in $tests; do arguments+=(--test "$test"); done
        "$venv/classic/bin/python" "$venv/classic/bin/iiif-validate.py" -s "$address" -p "iiif/$version" -i "$id" --version "$version.0" \
            "${arguments[@]}" >"$work/out" 2>&1 || { failed=1; grep -A8 FAIL "$work/out" >&2; }
        echo "iiif-validator 1.0.5, Image API $version, $name: $(grep -c PASS "$work/out") passed, $(grep -c FAIL "$work/out") failed" >&2
        "$venv/ng/bin/python" tests/validators/ng.py "http://$address/iiif/$version" "$version" "$id" "$name" >&2 || failed=1
    done
    kill "$server"
    wait "$server" || true
    server=
}
validate plain
# The picture has 1000 x 1000 pixels; each of the three is the narrowest for some of what the validators ask for.
validate limits limits.max_width=1090 limits.max_height=1080 limits.max_area=1070000
exit $failed
