#!/usr/bin/env python3
"""The operator's manual tells the truth: its table of options is `tandem config defaults`, every command in it exists with
the flags it is given, and the manual page has every command of `tandem help`. Usage: test_operations.py TANDEM"""
import pathlib
import re
import subprocess
import sys
import tomllib
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lint"))

from counted import run_counted  # noqa: E402

BINARY = sys.argv.pop()
PAGES = ["README.md", "docs/operations.md", "docs/codes.md"]
OPTION_ROW = re.compile(r"^\| `([a-z0-9_]+\.[a-z0-9_]+)` \| `([^`]*)` \| (.+) \|$", re.M)
# `tandem …` between back ticks or alone on a line of a code block.
COMMAND = re.compile(r"(?:^ *(?:\$ )?|`|tandem )(?:build/)?(?<!-u )tandem ([a-z][^`\n#]*)", re.M)
FLAG = re.compile(r"--?[a-z][a-z0-9_.-]*")


def tandem(*arguments):
    return subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                          check=False)


def defaults():
    told = tomllib.loads(tandem("config", "defaults").stdout)
    return {f"{section}.{key}": value for section, table in told.items() for key, value in table.items()}


def commands():
    found = set()
    for page in PAGES:
        found |= {match[1].strip() for match in COMMAND.finditer((ROOT / page).read_text())}
    return found


class Operations(unittest.TestCase):
    def test_table_of_options_is_what_the_program_says(self):
        rows = OPTION_ROW.findall((ROOT / "docs/operations.md").read_text())
        table = {name: tomllib.loads(f"x = {value}")["x"] for name, value, _ in rows}
        self.assertEqual(len(rows), len(table))
        self.assertEqual(table, defaults())
        self.assertEqual([name for name, _, _ in rows], list(defaults()), "in the program's order")

    def test_commands_and_their_flags_exist(self):
        told = commands()
        self.assertGreater(len(told), 30)
        for line in sorted(told):
            words = line.split()
            with self.subTest(line=line):
                usage = None
                if len(words) > 1 and re.fullmatch("[a-z]+", words[1]):
                    usage = tandem(*words[:2], "--help")
                if usage is None or usage.returncode != 0:
                    usage = tandem(words[0], "--help") if words[0] != "version" else tandem("help")
                self.assertEqual(usage.returncode, 0, usage.stderr)
                for flag in FLAG.findall(" ".join(word for word in words if word.startswith("-"))):
                    if flag == "--help":
                        continue
                    known = flag.lstrip("-") in defaults() if "." in flag else flag in usage.stdout
                    self.assertTrue(known, f"{flag} is not in the help")

    def test_manual_page_has_every_command(self):
        listed = re.findall(r"^  ([a-z]+) ", tandem("help").stdout, re.M)
        manual = (ROOT / "docs/tandem.1").read_text()
        self.assertGreater(len(listed), 10)
        for name in listed:
            with self.subTest(name=name):
                self.assertTrue(re.search(rf"^\.TP\n\.B {name}\b", manual, re.M), "not in docs/tandem.1")


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
