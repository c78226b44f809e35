#!/usr/bin/env python3
"""Checks docs/model/consensus.pml with spin.

  good      the rules hold: no error, and the search was complete
  broken    every planted rule violation, and every claim that nothing good happens, is refuted for
            the expected reason
  selftest  the two checks above fail when they should
  full      the larger bounds of docs/model/README.md, minutes of one core; not in the test suite

Exit code: 0 as expected, 1 otherwise, 77 (skipped) where spin or gcc is not installed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

SKIPPED = 77
MEMORY_MIB = 4000
DEPTH = 2000  # steps of the longest path; the search is refused if a path was longer

# name, defines. The graph has no cycles, so its size is the only bound.
GOOD = [
    ("byzantine, 4 rounds", ["R=4"]),
    ("byzantine, 3 rounds, 2 variants", ["R=3", "V=2"]),
    ("byzantine, 3 rounds, reading steps", ["R=3", "SEE"]),
    ("byzantine, 2 rounds, nothing reduced", ["R=2", "EXACT"]),
    ("byzantine stops, 2 rounds", ["R=2", "STOPS"]),
    ("one dead, 4 rounds", ["R=4", "SILENT"]),
    ("all honest, 3 rounds", ["R=3", "ALLHONEST"]),
]

FULL = [
    ("byzantine, 5 rounds", ["R=5"]),
    ("byzantine, 4 rounds, 2 variants", ["R=4", "V=2"]),
    ("byzantine, 4 rounds, reading steps", ["R=4", "SEE"]),
    ("byzantine, 3 rounds, nothing reduced", ["R=3", "EXACT"]),
    ("byzantine stops, 3 rounds", ["R=3", "STOPS"]),
    ("one dead, 5 rounds", ["R=5", "SILENT"]),
    ("all honest, 4 rounds", ["R=4", "ALLHONEST"]),
]

AGREEMENT = "assertion violated (fin==0)"
ONE_QC = "assertion violated (x==0)"
RECOVERY = "assertion violated (((("
DEADLOCK = "invalid end state"

# name of the define, other defines, what pan must report.
BROKEN = [
    ("BUG_COMMIT_AFTER_TIMEOUT", ["R=3"], AGREEMENT),
    ("BUG_IGNORE_TC_HIGH", ["R=3"], AGREEMENT),
    ("BUG_TWO_CHAIN_GAP", ["R=4"], AGREEMENT),
    ("BUG_QC_UNBOUND", ["R=3"], AGREEMENT),
    ("BUG_VOTE_AFTER_TIMEOUT", ["R=3"], AGREEMENT),
    ("BUG_TIMEOUT_BELOW_LOCK", ["R=3"], AGREEMENT),
    ("BUG_NO_LOCK_ON_VOTE", ["R=3"], AGREEMENT),
    ("BUG_NO_LOCK_ON_COMMIT", ["R=3"], AGREEMENT),
    ("BUG_DOUBLE_VOTE", ["R=3"], ONE_QC),
    ("BUG_WEAK_QUORUM", ["R=3"], ONE_QC),
    ("FORK", ["R=3"], ONE_QC),
    ("BUG_LOCK_GUARDS_VOTE", ["R=3"], RECOVERY),
    ("BUG_NO_ENTRY_CERT", ["R=2", "STOPS"], DEADLOCK),
    ("GOAL_FINAL", ["R=3"], "assertion violated ((fin==0)||"),
    ("GOAL_RECOVERY", ["R=3"], "assertion violated (tc[y]==1)"),
]


class Result:
    """What one pan run reported."""

    def __init__(self, text):
        self.text = text
        self.errors = number(r"errors: (\d+)", text)
        self.states = number(r"(\d\S*) states, stored", text)
        self.memory_mib = number(r"(\S+)\s+total actual memory usage", text)
        self.seconds = number(r"elapsed time (\S+) seconds", text)
        report = re.search(r"^pan:1: (.*?)(?: \(at depth \d+\))?$", text, re.M)
        self.report = report.group(1) if report else ""

    def incomplete(self):
        """Why the search did not cover every state, or an empty string."""
        if self.errors is None or self.states is None:
            return "pan did not finish"
        if "Full statespace search for" not in self.text:
            return "not a full state space search"
        for sign in ("search depth too small", "MEMLIM", "out of memory", "not completed",
                     "search was not", "truncated", "interrupted"):
            if sign in self.text:
                return "pan says '%s'" % sign
        return ""

    def line(self):
        return "%d states, %.1f s, %.0f MiB" % (self.states or 0, self.seconds or 0,
                                                self.memory_mib or 0)


def number(pattern, text):
    found = re.search(pattern, text)
    return float(found.group(1)) if found else None


def explore(model, build, name, defines, depth=DEPTH, optimise="-O2"):
    folder = os.path.join(build, re.sub(r"[^A-Za-z0-9]+", "_", name))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shutil.copy(model, os.path.join(folder, "consensus.pml"))
    flags = ["-D" + define for define in defines]

    def run(command, timeout):
        return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout)

    done = run(["spin", *flags, "-a", "consensus.pml"], 60)
    if done.returncode != 0 or not os.path.exists(os.path.join(folder, "pan.c")):
        sys.exit("FAIL %s: spin -a failed in %s\n%s" % (name, folder, done.stdout))
    done = run(["gcc", optimise, "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=%d" % MEMORY_MIB, "-o", "pan",
                "pan.c"], 120)
    if done.returncode != 0:
        sys.exit("FAIL %s: gcc on pan.c failed in %s\n%s" % (name, folder, done.stdout))
    done = run(["./pan", "-m%d" % depth], 560)
    with open(os.path.join(folder, "pan.out"), "w", encoding="utf-8") as out:
        out.write(done.stdout)
    return Result(done.stdout)


def check_good(model, build, name, defines, depth=DEPTH):
    result = explore(model, build, name, defines, depth)
    why = result.incomplete()
    if result.errors:
        why = "%d errors: %s" % (result.errors, result.report)
    if not why and result.states < 100:
        why = "only %d states: the model does nothing" % result.states
    print("%s %s: %s%s" % ("FAIL" if why else "ok  ", name, result.line(),
                           ", complete" if not why else "; " + why), flush=True)
    return not why


def check_broken(model, build, name, defines, expected):
    # These searches end within a second: compiling pan is the cost.
    result = explore(model, build, name, [*defines, name], optimise="-O0")
    why = ""
    if not result.errors:
        why = "spin found no error"
    elif expected not in result.report:
        why = "refuted for another reason: %s, expected %s" % (result.report, expected)
    print("%s %s: %s%s" % ("FAIL" if why else "ok  ", name, result.line(),
                           "; " + why if why else ", refuted: " + result.report[:40]), flush=True)
    return not why


def planted(model, build, name, text):
    """A copy of the model with text in front."""
    path = os.path.join(build, name + ".pml")
    with open(model, encoding="utf-8") as source, open(path, "w", encoding="utf-8") as out:
        out.write(text + source.read())
    return path


def selftest(model, build):
    unsafe = planted(model, build, "unsafe", "#define BUG_IGNORE_TC_HIGH\n")
    stuck = planted(model, build, "stuck", "#define STOPS\n#define BUG_NO_ENTRY_CERT\n")
    print("each of the next five checks must fail:", flush=True)
    return not any([
        check_good(unsafe, build, "self unsafe rules", ["R=3"]),
        check_good(stuck, build, "self deadlock", ["R=2"]),
        check_good(model, build, "self depth too small", ["R=3"], depth=20),
        check_broken(model, build, "SELF_BUG_THAT_IS_NONE", ["R=2"], AGREEMENT),
        check_broken(model, build, "BUG_DOUBLE_VOTE", ["R=2"], DEADLOCK),
    ])


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["good", "broken", "selftest", "full"])
    parser.add_argument("--build", required=True, help="folder for generated files")
    parser.add_argument("--model",
                        default=os.path.join(here, "..", "..", "docs", "model", "consensus.pml"))
    args = parser.parse_args()
    for tool in ("spin", "gcc"):
        if shutil.which(tool) is None:
            print("SKIP: %s is not installed, the consensus model was not checked" % tool)
            return SKIPPED
    build = os.path.join(os.path.abspath(args.build), args.mode)
    os.makedirs(build, exist_ok=True)

    if args.mode == "selftest":
        passed = selftest(args.model, build)
    elif args.mode == "broken":
        passed = all([check_broken(args.model, build, *case) for case in BROKEN])
    else:
        cases = GOOD if args.mode == "good" else FULL
        passed = all([check_good(args.model, build, *case) for case in cases])
    print("model %s: %s" % (args.mode, "passed" if passed else "FAILED"))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
