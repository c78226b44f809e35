#!/usr/bin/env python3
"""Run the lint gates: tools/lint/run.py [--root DIR] [GATE…]

Without a gate: all of them, one line each, closed by "N passed, N failed, N skipped". With one gate
(as the test suite calls it) the exit status tells: 0 passed, 1 failed, 77 cannot judge here."""
import argparse
import importlib
import pathlib
import sys

from tree import Skip, Tree

GATES = ["layers", "purity", "format", "spelling", "citations", "length", "asserts", "paths", "links", "codes"]
FAULTS_SHOWN = 40


def run_gate(tree, name):
    """Print one line for the gate and one for each fault; return "passed", "failed" or "skipped"."""
    gate = importlib.import_module(name)
    try:
        faults = gate.check(tree)
    except Skip as reason:
        print(f"SKIP {name}: {reason}")
        return "skipped"
    if not faults:
        print(f"ok   {name}: {gate.TITLE}")
        return "passed"
    print(f"FAIL {name}: {gate.TITLE}: {len(faults)} faults")
    for fault in faults[:FAULTS_SHOWN]:
        print(f"     {fault}")
    if len(faults) > FAULTS_SHOWN:
        print(f"     … and {len(faults) - FAULTS_SHOWN} more")
    return "failed"


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("gate", nargs="*", choices=[[], *GATES], default=[])
    options = parser.parse_args(argv)

    tree = Tree(options.root)
    results = [run_gate(tree, name) for name in options.gate or GATES]
    if len(options.gate) == 1:
        return {"passed": 0, "failed": 1, "skipped": 77}[results[0]]
    print(", ".join(f"{results.count(kind)} {kind}" for kind in ("passed", "failed", "skipped")))
    return 1 if "failed" in results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
