#!/usr/bin/env python3
"""The built `tandem` as a shell sees it: exit codes, streams, a full disk. Usage: test_binary.py TANDEM"""
import json
import pathlib
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))

from counted import run_counted  # noqa: E402

BINARY = sys.argv.pop()


def tandem(*arguments, stdout=subprocess.PIPE):
    return subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, text=True, timeout=30, check=False)


class Binary(unittest.TestCase):
    def test_version_json_is_json(self):
        done = tandem("version", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        told = json.loads(done.stdout)
        self.assertEqual((told["name"], sorted(told)), ("tandem", ["commit", "name", "version"]))

    def test_unknown_command_is_64(self):
        done = tandem("hepl")
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertIn("tandem help", done.stderr)

    def test_full_disk_is_74(self):
        if not pathlib.Path("/dev/full").exists():
            self.skipTest("this machine has no /dev/full")
        with open("/dev/full", "w") as full:
            done = tandem("version", stdout=full)
        self.assertEqual(done.returncode, 74)
        self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
