#!/usr/bin/env python3
"""`tandem guest` as a shell sees it.  Usage: test_cli.py TANDEM HELLO_ELF ASSERT_ELF"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

ASSERT_ELF = sys.argv.pop()
HELLO_ELF = sys.argv.pop()
TANDEM = sys.argv.pop()


class Guest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.witness = self.file("witness", b"hello, guest")

    def file(self, name, content):
        path = pathlib.Path(self.folder.name) / name
        path.write_bytes(content)
        return str(path)

    def guest(self, *arguments, stdout=subprocess.PIPE):
        return subprocess.run([TANDEM, "guest", *arguments], stdin=subprocess.DEVNULL, stdout=stdout,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    def refused(self, code, text, *arguments):
        done = self.guest(*arguments)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertIn(text, done.stderr)
        self.assertLessEqual(done.stderr.count("\n"), 3)

    def test_text_and_json_agree(self):
        text = self.guest("run", self.witness, "--elf", HELLO_ELF)
        told = json.loads(self.guest("run", self.witness, "--elf", HELLO_ELF, "--json").stdout)
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        lines = dict(line.split(None, 1) for line in text.stdout.splitlines())
        self.assertEqual([int(w, 16) for w in lines["output"].split()], told["output"])
        self.assertEqual(len(told["output"]), 9)
        self.assertEqual(int(lines["instructions"]), told["instructions"])
        self.assertEqual(told["clk"], 1 + told["instructions"] + 1 + told["calls"]["p2_absorb"])
        self.assertEqual((told["stop"], told["calls"]["halt"]), ("halted", 1))
        # one block absorbed; a row weighs RV32_WEIGHT_P2_ROW
        self.assertEqual(told["units"], told["instructions"] + 13 * told["calls"]["p2_absorb"])
        self.assertEqual(lines["native"], f"units  {told['units']}")

    def test_profile_sums_to_the_run(self):
        told = json.loads(
            self.guest("run", self.witness, "--elf", HELLO_ELF, "--json", "--profile").stdout)
        self.assertEqual(sum(f["instructions"] for f in told["profile"]), told["instructions"])
        table = self.guest("run", self.witness, "--elf", HELLO_ELF, "--profile").stdout
        self.assertRegex(table, r"\d+ +\d+\.\d% +td_guest_main")

    def test_failed_assertion_is_told_with_its_text_and_place(self):
        done = self.guest("run", self.file("w", b"fail"), "--elf", ASSERT_ELF)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"ebreak.*at pc 0x[0-9a-f]{8} \(td_assert_fail\+0x")
        self.assertRegex(done.stderr, r"assert_guest\.c:\d+: assertion failed: !fail")
        told = json.loads(self.guest("run", self.file("w", b"fail"), "--elf", ASSERT_ELF,
                                     "--json").stdout)
        self.assertEqual(told["output"], [])
        self.assertIn("ebreak", told["stop"])

    def test_limit(self):
        done = self.guest("run", self.witness, "--elf", HELLO_ELF, "--clk-limit", "20")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--clk-limit", done.stderr)

    def test_usage(self):
        self.refused(64, "subcommand is missing")
        self.refused(64, "unknown subcommand \"walk\"", "walk")
        self.refused(64, "WITNESS is missing", "run")
        self.refused(64, "unknown option \"--fast\"", "run", "w", "--fast")
        self.refused(64, "unexpected \"b\"", "run", "a", "b")
        self.refused(64, "missing after \"--elf\"", "run", "a", "--elf")
        self.refused(64, "not a number", "run", "a", "--clk-limit", "ten")
        self.refused(64, "not a number", "run", "a", "--clk-limit", "-1")

    def test_files(self):
        self.refused(66, "cannot open /nonexistent/w", "run", "/nonexistent/w", "--elf", HELLO_ELF)
        self.refused(66, "cannot open /nonexistent/e", "run", self.witness, "--elf", "/nonexistent/e")
        self.refused(66, "cannot read", "run", self.folder.name, "--elf", HELLO_ELF)
        self.refused(78, "not an ELF file", "run", self.witness, "--elf",
                     self.file("bad", b"no guest image" * 10))

    def test_full_disk(self):
        if not pathlib.Path("/dev/full").exists():
            self.skipTest("this machine has no /dev/full")
        with open("/dev/full", "w") as full:
            done = self.guest("run", self.witness, "--elf", HELLO_ELF, stdout=full)
        self.assertEqual(done.returncode, 74)


if __name__ == "__main__":
    unittest.main()
