#!/usr/bin/env python3
"""Turn Ethereum's public TransactionTests into lines of text, then run a test program on them.

Usage: transactions.py ARCHIVE WORK_DIR PROGRAM

A line: NAME FORK BYTES then "valid HASH SENDER INTRINSIC_GAS" or "invalid EXCEPTION", as the newest
fork in the file has it. The program finds its input in TD_VECTOR_FILE; without the archive the
test prints why and exits with meson's skip status 77.
"""
import json
import os
import subprocess
import sys
import tarfile

SKIP = 77
NEWEST_FIRST = ["Osaka", "Prague", "Cancun", "Shanghai", "Paris", "London"]


def bare(text):
    return text[2:] if text.startswith("0x") else text


def lines(source):
    with tarfile.open(source) as tar:
        for member in tar:
            if not (member.name.startswith("TransactionTests/") and member.name.endswith(".json")):
                continue
            for name, case in json.load(tar.extractfile(member)).items():
                fork = next(f for f in NEWEST_FIRST if f in case["result"])
                told = case["result"][fork]
                row = [name, fork, bare(case["txbytes"]) or "-"]
                if "exception" in told:
                    row += ["invalid", told["exception"].split(".")[-1]]
                else:
                    row += ["valid", bare(told["hash"]), bare(told["sender"]),
                            str(int(told["intrinsicGas"], 16))]
                yield " ".join(row)


def main():
    source, work, program = sys.argv[1:]
    if not os.path.exists(source):
        print("SKIP: %s not found" % source)
        return SKIP
    text = os.path.join(work, "transactions.txt")
    with open(text, "w", encoding="ascii") as f:
        for line in sorted(lines(source)):
            f.write(line + "\n")
    sys.stdout.flush()
    return subprocess.run([program], env={**os.environ, "TD_VECTOR_FILE": text}).returncode


if __name__ == "__main__":
    sys.exit(main())
