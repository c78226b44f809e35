#!/usr/bin/env bash
# Branch coverage of consensus/ by the unit, vector and simulator tests and twelve simulator seeds.
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
# Faulty networks reach corners that no table test builds; fixed seeds, so that the figure repeats.
for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
    "$build/tandem" sim --seed "$seed" --nodes 7 --minutes 10 >"$build/coverage-sim.txt" || {
        cat "$build/coverage-sim.txt"
        exit 1
    }
done

# The last argument: search this build alone; by default gcovr reads every build folder of the tree.
status=0
gcovr --root . --object-directory "$build" --filter 'consensus/' --exclude-directories '.*planted.*' \
    --exclude-branches-by-pattern '.*\bTD_ASSERT\w*\(.*' --exclude-unreachable-branches \
    --branches --print-summary --fail-under-branch "$branches_min" \
    "$build" >"$build/coverage.txt" || status=$?
cat "$build/coverage.txt"
percent=$(sed -n 's/^branches: \([0-9.]*%\).*/\1/p' "$build/coverage.txt")
echo "consensus/: ${percent:-no} branches covered, at least $branches_min% wanted"
exit "$status"
