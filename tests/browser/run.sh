#!/usr/bin/env bash
# Tests the page scripts alone, then shows examples/ in Chromium. Uses the server at $RECTO_URL, or starts the program $RECTO on a free port.
# Needs what `scripts/setup.sh test` installs. Screenshots are kept in test-output/browser/.
set -euo pipefail
cd "$(dirname "$0")/../.."
server=
work=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; [ -z "$work" ] || rm -rf "$work"' EXIT
if [ -z "${RECTO_URL:-}" ]; then
    recto=${RECTO:?the program to test, or RECTO_URL}
    # A test in another folder starts the program as well.
    RECTO=$(realpath "$recto")
    export RECTO
    work=$(mktemp -d)
    "$recto" serve examples --listen 127.0.0.1:0 --state "$work/state" --set server.annotation_tokens.secret-a=Anna \
        --set server.annotation_tokens.secret-b=Bert 2>"$work/log" &
    server=$!
    address=
    for _ in $(seq 200); do
        address=$(sed -n 's/^listening on //p' "$work/log")
        [ -n "$address" ] && break
        sleep 0.05
    done
    [ -n "$address" ] || { cat "$work/log" >&2; exit 1; }
    export RECTO_URL=http://${address#http://} RECTO_TOKENS="secret-a secret-b"
fi
node --test --test-reporter=spec web/test/ >&2
cd tests/browser
node --test --test-reporter=spec annotation-store.test.mjs viewers.test.mjs search.test.mjs mirador-annotations.test.mjs >&2
