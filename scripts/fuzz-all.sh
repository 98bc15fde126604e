#!/usr/bin/env bash
# Goes round over all fuzz targets, a slice of time each, until it is told to stop. Next is who had the least time so far; as many run
# beside each other as there are processors ($RECTO_FUZZ_JOBS).
#
#   scripts/fuzz-all.sh SEEDS [SECONDS OF A SLICE] [TARGET...]   # SEEDS: a folder of files of all formats
#   scripts/fuzz-all.sh tally                                    # what was run and found so far
#
# It begins with the small ones among SEEDS and with the files that the tests of the readers make for themselves.
#
# What it keeps is in $RECTO_FUZZ (fuzz/corpus): copies of the programs (`bin`), a corpus for each target, `finds`, a log of each
# target's last slice. A file `stop` there ends it after the slices that are running. Each slice is a line of fuzz/slices, which is
# part of the project: target, seconds, seconds of a processor, executions, finds, commit. So hours add up, on whatever machine.
set -euo pipefail
cd "$(dirname "$0")/.."
slices=$PWD/fuzz/slices
touch "$slices"
kept=${RECTO_FUZZ:-fuzz/corpus}
mkdir -p "$kept"/{bin,finds,logs,seeds}
kept=$(cd "$kept" && pwd)

if [ "$1" = tally ]; then
    awk 'BEGIN { printf "%-10s %8s %8s %12s %6s\n", "target", "seconds", "cpu", "executions", "finds" }
         { wall[$1] += $2; cpu[$1] += $3; runs[$1] += $4; finds[$1] += $5 }
         END { for (t in wall) printf "%-10s %8d %8d %12d %6d\n", t, wall[t], cpu[t], runs[t], finds[t] | "sort" }' "$slices"
    exit
fi

seeds=$1 slice=${2:-180}
shift $(($# < 2 ? $# : 2))
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(basename -s .rs fuzz/fuzz_targets/*.rs)

# Whatever is built while this runs, these stay as they are.
if [ -z "${RECTO_FUZZ_BUILT:-}" ]; then
    RUSTC_BOOTSTRAP=1 cargo fuzz build --release
    # As the tests build them: what decodes is optimised there too.
    cargo build -p recto-codec --bin contained-decoder
    RECTO_SEEDS=$kept/seeds cargo test -p recto-codec --test suite decoder_suite
fi
built=${CARGO_TARGET_DIR:-}
cp -f "${built:-target}/debug/contained-decoder" "$kept/bin/"
for target in "${targets[@]}"; do
    cp -f "${built:-fuzz/target}/x86_64-unknown-linux-gnu/release/$target" "$kept/bin/"
done
export RECTO_CONTAINED_DECODER=$kept/bin/contained-decoder
export ASAN_OPTIONS=quarantine_size_mb=16:allocator_may_return_null=1:detect_leaks=0

# Under the names that libFuzzer gives, so that one which is a find can be told.
for target in "${targets[@]}"; do
    mkdir -p "$kept/$target" "$kept/finds/$target"
    case $target in
    jpeg) names='jpe?g' ;;
    tiff) names='tiff?|svs' ;;
    jp2) names='jp2|j2k|jpx|jph' ;;
    dicom) names='dcm|dicom' ;;
    heic) names='heic|heif' ;;
    text) names='xml|html|hocr|vtt|srt|txt|pdf' ;;
    readers) names='xml|mrc' ;;
    tables) names='csv|tsv|xlsx' ;;
    validate) names='json' ;;
    *) names=$target ;;
    esac
    if [ "$target" = request ]; then
        for path in full/max/0/default.jpg 'square/!200,100/!90/gray.png' 'pct:10,20,30.5,40/^pct:12.5/22.5/bitonal.webp' \
            '0,1,20,30/^50,/0/color.tif' 'a%2Fb/full/,64/180/native.gif'; do
            echo -n "x/$path" >"$kept/request/$(echo -n "x/$path" | sha1sum | cut -d' ' -f1)"
        done
        continue
    fi
    find -L "$seeds" "$kept/seeds" -type f -size -96k -regextype egrep -iregex ".*[./]($names)" -print0 |
        while IFS= read -r -d '' file; do cp -n "$file" "$kept/$target/$(sha1sum "$file" | cut -d' ' -f1)"; done
done

run() { # target seconds: one process, until the time is over or it found something
    timeout $(($2 + 300)) nice -n 19 "$kept/bin/$1" "$kept/$1" -max_total_time="$2" -artifact_prefix="$kept/finds/$1/" \
        -timeout=120 -rss_limit_mb=1024 -malloc_limit_mb=300 -max_len=100000 -print_final_stats=1 >>"$kept/logs/$1" 2>&1
}

# Whose turn it is: of the targets that no other round holds, the one that had the least of a processor so far. So one begins where
# the last run ended.
claim() {
    printf '%s 0 0 0 0\n' "${targets[@]}" | cat - "$slices" |
        awk -v of="${targets[*]}" 'BEGIN { split(of, names, " "); for (i in names) mine[names[i]] }
             $1 in mine { cpu[$1] += $3 } END { for (t in cpu) print cpu[t], t }' | sort -n |
        while read -r _ target; do
            if mkdir "$kept/running/$target" 2>/dev/null; then
                echo "$target"
                break
            fi
        done
}

rm -rf "$kept/running"
mkdir "$kept/running"
commit=$(git rev-parse --short HEAD)
TIMEFORMAT='%R %U %S'

turn() { # target: one slice
    local target=$1 end=$((SECONDS + slice)) before lines took after runs file name
    : >"$kept/logs/$target"
    # After a find the slice goes on without it, a few times.
    for _ in 1 2 3 4 5; do
        [ $((end - SECONDS)) -gt 5 ] || break
        before=$(find "$kept/finds/$target" -type f | wc -l) lines=$(wc -l <"$kept/logs/$target")
        took=$({ time run "$target" $((end - SECONDS)) || true; } 2>&1)
        # What stood still on a busy machine is none unless it needs the time of a processor.
        for file in "$kept/finds/$target"/{timeout,slow-unit}-*; do
            [ ! -e "$file" ] || (ulimit -t 20 && nice -n 19 "$kept/bin/$target" -timeout=1000 "$file" >/dev/null 2>&1) && rm -f "$file"
        done
        find "$kept/finds/$target" -type f -printf '%f\n' | sed 's/.*-//' | while read -r name; do rm -f "$kept/$target/$name"; done
        after=$(find "$kept/finds/$target" -type f | wc -l)
        runs=$(tail -n "+$((lines + 1))" "$kept/logs/$target" | sed -n 's/^stat::number_of_executed_units: *//p')
        # A second at least: a target that ends at once has had its turn.
        awk -v t="$target" -v took="$took" -v r="${runs:-0}" -v f=$((after - before)) -v c="$commit" \
            'BEGIN { split(took, s, " "); printf "%s %d %d %d %d %s\n", t, s[1] + 0.5, s[2] + s[3] + 1, r, f, c }' >>"$slices"
    done
}

rounds() {
    until [ -e "$kept/stop" ]; do
        target=$(claim)
        [ -n "$target" ] || return 0
        turn "$target"
        rmdir "$kept/running/$target"
    done
}

for _ in $(seq "${RECTO_FUZZ_JOBS:-$(nproc)}"); do rounds & done
wait
