#!/usr/bin/env bash
# Branch coverage of consensus/ by the unit, vector and simulator tests.
# Usage: tools/coverage.sh BUILD JOBS   (BUILD configured with -Db_coverage=true, see `make coverage`)
# Left out: the branches of TD_ASSERT itself, whose failing side means a bug and ends the process, and
# the second, planted copy of the sources that only tests the simulator.
set -eu -o pipefail
build=$1
jobs=$2
branches_min=95

find "$build" -name '*.gcda' -delete
# Unoptimised and instrumented: allow the tests ten times their usual time.
python3 tools/run_tests.py --build "$build" --jobs "$jobs" --timeout-multiplier 10 \
    --suite unit --suite vectors --suite sim

status=0
gcovr --root . --object-directory "$build" --filter 'consensus/' --exclude-directories '.*planted.*' \
    --exclude-branches-by-pattern '.*\bTD_ASSERT\w*\(.*' --exclude-unreachable-branches \
    --branches --print-summary --fail-under-branch "$branches_min" >"$build/coverage.txt" || status=$?
cat "$build/coverage.txt"
percent=$(sed -n 's/^branches: \([0-9.]*%\).*/\1/p' "$build/coverage.txt")
echo "consensus/: ${percent:-no} branches covered, at least $branches_min% wanted"
exit "$status"
