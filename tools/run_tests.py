#!/usr/bin/env python3
"""Run `meson test` and count test cases instead of test programs.

What counts as one test:
  - each case of a Criterion program (its synthesis line holds the totals, its log the skips);
  - each case of a program whose output ends with "N passed, N failed, N skipped";
  - otherwise the program itself: exit 0 passed, 77 skipped, anything else failed.

A program that dies, times out or stops before its report adds at least one failure, and so does a
skip that names no reason. The last line printed is exactly "N passed, N failed, N skipped"; the exit
status is 1 on any failure and when nothing was executed.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
# Not anchored to the start of a line: a case may leave its own output without a line end.
SYNTHESIS = re.compile(
    r"\[====\] Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)")
CRITERION_SUITE = re.compile(r"\[====\] Running (\d+) tests? from ")
CRITERION_SKIP = re.compile(r"\[SKIP\] (\S+?::\S+?): ?(.*)$", re.M)
SKIP_LINE = re.compile(r"^SKIP\b[: ]*(.*)$", re.M)
# Criterion's own words for `.disabled = true`, which give a person no reason.
NO_REASON = {"", "Test is disabled", "Suite is disabled", "test was skipped"}
OUTPUT_LINES_SHOWN = 60


class Tally:
    """Counts, the reasons of skips, and what went wrong."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.reasons, self.problems = [], []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.reasons += other.reasons
        self.problems += other.problems

    def fail(self, problem):
        self.failed += 1
        self.problems.append(problem)

    def skip(self, name, reason):
        """One skipped case; without a reason it counts as a failure."""
        if reason.strip() in NO_REASON:
            self.fail(f"{name}: skipped without a reason")
        else:
            self.skipped += 1
            self.reasons.append(f"{name}: {reason.strip()}")

    def closing(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def tally_criterion(name, result, log):
    runs = SYNTHESIS.findall(log)  # a test may start one program in several builds
    tally = Tally()
    if not runs:
        tally.fail(f"{name}: {result}: died before Criterion's synthesis line")
        return tally
    tested, passing, failing, _ = (sum(map(int, column)) for column in zip(*runs))
    tally.passed, tally.failed = passing, failing
    if failing:
        tally.problems.append(f"{name}: {failing} of {tested} cases failed")
    skips = CRITERION_SKIP.findall(log)
    for case, reason in skips:
        tally.skip(f"{name} {case}", reason)
    planned = sum(map(int, CRITERION_SUITE.findall(log)))
    if planned == 0:
        tally.fail(f"{name}: holds no test case")
    elif planned != tested + len(skips):
        tally.fail(f"{name}: {planned} cases planned, {tested} ran and {len(skips)} were skipped")
    return tally


def tally_reporting(name, out):
    passed, failed, skipped = map(int, CLOSING.findall(out)[-1])
    reasons = [reason for reason in SKIP_LINE.findall(out) if reason.strip()][:skipped]
    tally = Tally(passed, failed, len(reasons))
    tally.reasons = [f"{name}: {reason}" for reason in reasons]
    if failed:
        tally.problems.append(f"{name}: {failed} cases failed")
    for _ in range(skipped - len(reasons)):
        tally.fail(f"{name}: skipped without a reason")
    if passed + failed + skipped == 0:
        tally.fail(f"{name}: holds no test case")
    return tally


def tally_test(entry, is_criterion):
    """Count one entry of meson's testlog.json."""
    name, result = entry["name"], entry["result"]
    out, err = entry.get("stdout", ""), entry.get("stderr", "")
    if result == "SKIP":
        tally = Tally()
        found = SKIP_LINE.search(out) or SKIP_LINE.search(err)
        tally.skip(name, found[1] if found else "")
        return tally
    if is_criterion:
        tally = tally_criterion(name, result, err + out)
    elif CLOSING.search(out):
        tally = tally_reporting(name, out)
    elif result in ("OK", "EXPECTEDFAIL"):
        return Tally(passed=1)
    else:
        tally = Tally()
        tally.fail(f"{name}: {result}")
        return tally
    if result not in ("OK", "EXPECTEDFAIL") and tally.failed == 0:
        tally.fail(f"{name}: {result} after a clean report (exit status {entry.get('returncode')})")
    return tally


def links_criterion(command, build):
    """Whether the command runs a program that loads Criterion, directly or as a wrapper's argument, so
    that its report may be demanded."""
    def loads(word):
        path = build / word  # an absolute word replaces `build`; meson runs tests there
        return path.is_file() and os.access(path, os.X_OK) and b"libcriterion.so" in path.read_bytes()
    return any(loads(word) for word in command)


def show_output(entry):
    print(f"\n--- {entry['name']}: {entry['result']} ---")
    for stream in ("stdout", "stderr"):
        lines = [line for line in entry.get(stream, "").splitlines() if line.strip()]
        if len(lines) > OUTPUT_LINES_SHOWN:
            print(f"    ({len(lines) - OUTPUT_LINES_SHOWN} earlier lines of {stream} left out)")
        for line in lines[-OUTPUT_LINES_SHOWN:]:
            print(f"    {line}")


def read_log(path):
    """Entries of testlog.json; a line cut short (meson killed) is an error the caller counts."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def run(build, suites, skip_suites, jobs, multiplier):
    log = build / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(build), "--num-processes", str(jobs),
               "--timeout-multiplier", str(multiplier)]
    for suite in suites:
        command += ["--suite", suite]
    for suite in skip_suites:
        command += ["--no-suite", suite]
    # Level 1 names every case, with the reason of each skip.
    env = dict(os.environ, CRITERION_VERBOSITY_LEVEL="1")
    status = subprocess.run(command, env=env, check=False).returncode

    total = Tally()
    try:
        entries = read_log(log) if log.exists() else []
    except ValueError as error:
        entries = []
        total.fail(f"{log} cannot be read: {error}")
    for entry in entries:
        tally = tally_test(entry, links_criterion(entry["command"], build))
        if tally.failed:
            show_output(entry)
        total.add(tally)
    if status != 0 and total.failed == 0:
        total.fail(f"meson test exited {status} with no failed test in its log")
    return total


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", type=pathlib.Path, help="build folder")
    parser.add_argument("--suite", action="append", default=[], help="only this suite (repeatable)")
    parser.add_argument("--no-suite", action="append", default=[], help="not this suite (repeatable)")
    parser.add_argument("--jobs", default=os.cpu_count() or 1, type=int)
    parser.add_argument("--timeout-multiplier", default=1, type=float, help="for slow builds")
    options = parser.parse_args(argv)

    total = run(options.build, options.suite, options.no_suite, options.jobs,
                options.timeout_multiplier)
    if total.passed + total.failed == 0:
        total.fail("no test was executed")
    print()
    for reason in total.reasons:
        print(f"skipped: {reason}")
    for problem in total.problems:
        print(f"failed: {problem}")
    print(total.closing(), flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
