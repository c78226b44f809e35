#!/usr/bin/env bash
# Run every fuzz target of a build: tools/fuzz.sh BUILD RUNS   (BUILD configured with -Dfuzz=true)
# A target starts from tests/fuzz/corpus/<target>/ where that exists and never writes into it. A
# finding stays in BUILD/fuzz-findings/.
set -u -o pipefail
build=$1
runs=$2
findings=$build/fuzz-findings
passed=0
failed=0

targets=$(find "$build/tests/fuzz" -type f -name 'fuzz_*' -perm -u+x ! -path '*.p/*' 2>/dev/null | sort)
if [ -z "$targets" ]; then
    echo "fuzz: $build/tests/fuzz holds no target; was it configured with -Dfuzz=true?" >&2
    exit 1
fi
mkdir -p "$findings"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for target in $targets; do
    name=$(basename "$target")
    mkdir -p "$scratch/$name"
    folders=("$scratch/$name")
    [ -d "tests/fuzz/corpus/$name" ] && folders+=("tests/fuzz/corpus/$name")
    log=$build/$name.log
    ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:quarantine_size_mb=16 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        "$target" -runs="$runs" -rss_limit_mb=2048 -timeout=20 -entropic=0 -print_final_stats=1 \
        -artifact_prefix="$findings/$name-" "${folders[@]}" >"$log" 2>&1
    status=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    if [ "$status" -eq 0 ] && [ -n "$executions" ]; then
        passed=$((passed + 1))
        printf 'ok   %-28s %12s executions\n' "$name" "$executions"
    else
        failed=$((failed + 1))
        printf 'FAIL %-28s exit %s, log %s, input in %s\n' "$name" "$status" "$log" "$findings"
        grep -m5 -E 'ERROR|SUMMARY|runtime error|assertion' "$log"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
