#!/usr/bin/env bash
# Instructions per message through bft_step, counted by callgrind: a figure that a busy or different
# machine does not change, as long as compiler and options stay the same.  For optimizing one thing at
# a time; not part of `make bench`, because valgrind takes about a minute.
#
#   tests/bench/callgrind.sh [BUILD] [KIND...]     BUILD: build folder, default build
#                                                  KIND: all vote commit attest proposal
#
# KEEP=FOLDER keeps the profiles there, for callgrind_annotate.
set -eu
build=${1:-build}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- vote commit attest proposal all
program=$build/tests/bench/bench_figures

if ! command -v valgrind >/dev/null; then
    echo "callgrind.sh: valgrind is not installed (apt-get install valgrind)" >&2
    exit 69
fi
if [ ! -x "$program" ]; then
    echo "callgrind.sh: $program is missing; run make first, or name the build folder" >&2
    exit 66
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
profiles=${KEEP:-$scratch}
mkdir -p "$profiles"

printf '%-10s %10s %18s %22s\n' messages steps instructions 'instructions/message'
for kind in "$@"; do
    # Collection is on only inside bench_counted_step, so recording and start-up do not count.
    if ! valgrind --tool=callgrind --callgrind-out-file="$profiles/$kind.callgrind" \
        --toggle-collect=bench_counted_step "$program" --count-steps "$kind" \
        >"$scratch/out" 2>"$scratch/log"; then
        cat "$scratch/out" "$scratch/log" >&2
        exit 1
    fi
    steps=$(awk '$1 == "steps" { print $2 }' "$scratch/out")
    total=$(awk '/Collected :/ { print $NF }' "$scratch/log")
    if [ -z "$steps" ] || [ -z "$total" ] || [ "$steps" -eq 0 ] || [ "$total" -eq 0 ]; then
        echo "callgrind.sh: nothing was counted for $kind" >&2
        exit 1
    fi
    awk -v k="$kind" -v s="$steps" -v t="$total" \
        'BEGIN { printf "%-10s %10d %18d %22.0f\n", k, s, t, t / s }'
done
