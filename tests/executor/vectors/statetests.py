#!/usr/bin/env python3
"""Run a part of the state tests and hold its skips against the list of cases that may be skipped.

Usage: statetests.py TANDEM FOLDER LIST I/N

`tandem exec statetest` skips a case that fails after calling a precompile this chain does not have.
A fault elsewhere could hide behind such a call, so exactly the cases in LIST may be skipped for it:
one that is skipped and not listed counts as failed, and so does a listed one that passes.
"""
import json
import subprocess
import sys

BLOB = "blob transaction (type 3)"


def main():
    tandem, folder, list_path, shard = sys.argv[1:]
    with open(list_path, encoding="utf-8") as f:
        listed = {line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")}
    done = subprocess.run([tandem, "exec", "statetest", "--json", "--shard", shard, folder],
                          stdout=subprocess.PIPE, text=True, check=False)
    passed = failed = skipped = 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if not rows or "passed" not in rows[-1]:
        print("tandem ended with status %d and without its totals" % done.returncode)
        return 1
    for row in rows[:-1]:
        name, result, reason = row["name"], row["result"], row.get("reason", "")
        if result == "skipped" and reason != BLOB and name not in listed:
            result, reason = "failed", "skipped (%s), but not in %s" % (reason, list_path)
        elif result == "passed" and name in listed:
            result, reason = "failed", "passed: take it out of %s" % list_path
        if result == "skipped":
            skipped += 1
            print("SKIP %s: %s" % (name, reason))
        elif result == "failed":
            failed += 1
            print("FAIL %s\n     in %s\n     %s" % (name, row["file"], reason.replace("\n", "\n     ")))
        else:
            passed += 1
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed or done.returncode != 0 or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
