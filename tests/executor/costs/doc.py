#!/usr/bin/env python3
"""docs/native_costs.md: its table of prices, and the tables of what operations cost.

    doc.py check DOC HEADER...            1 when the document's prices are not the headers'
    doc.py write DOC HEADER... < TABLES   put the prices, and the output of test_native_costs --print, in
"""
import pathlib
import re
import sys

PRICE = re.compile(r"^\s*(?:#define )?(EXEC_NATIVE_\w+|RV32_WEIGHT_\w+) =? ?(\d+),?[ ]*(?:/\*(.*?)\*/)?", re.M | re.S)
MARKS = {name: (f"<!-- {name} -->\n", f"<!-- end of {name} -->\n") for name in ("prices", "operations")}


def prices(headers):
    rows = ["| price | units | for |\n", "| --- | --: | --- |\n"]
    for header in headers:
        text = re.sub(r"\n\s*\* ", " ", pathlib.Path(header).read_text())
        for name, value, what in PRICE.findall(text):
            rows.append(f"| `{name}` | {int(value):,} | {' '.join(what.split())} |\n")
    return "".join(rows)


def part(text, name):
    begin, end = MARKS[name]
    at = text.index(begin) + len(begin)
    return at, text.index(end, at)


def main(argv):
    mode, doc, headers = argv[0], pathlib.Path(argv[1]), argv[2:]
    text = doc.read_text()
    want = prices(headers)
    if mode == "check":
        at, end = part(text, "prices")
        if text[at:end] == want:
            print("1 passed, 0 failed, 0 skipped")
            return 0
        have = set(text[at:end].splitlines())
        for line in want.splitlines():
            if line not in have:
                print(f"{doc.name} lacks: {line}")
        print(f"{doc.name} is not of these headers: run {pathlib.Path(__file__).name} write")
        print("0 passed, 1 failed, 0 skipped")
        return 1
    tables = [line for line in sys.stdin if line.startswith(("|", "#", "\n"))]
    for name, new in (("prices", want), ("operations", "".join(tables).strip("\n") + "\n")):
        at, end = part(text, name)
        text = text[:at] + new + text[end:]
    doc.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
