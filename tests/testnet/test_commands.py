#!/usr/bin/env python3
"""`tandem testnet` as far as no node has to run: mistakes, empty folders, a port in use, what `up` writes.
Usage: test_commands.py TANDEM"""
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))

from counted import run_counted  # noqa: E402

BINARY = sys.argv.pop()


class Commands(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.dir = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())) / "net"

    def tandem(self, code, *words, text="", env=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TANDEM_")}
        done = subprocess.run([BINARY, "testnet", *map(str, words)], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env={**clean, "TANDEM_TESTNET": str(self.dir), **(env or {})},
                              check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(text, done.stdout if code == 0 else done.stderr)
        return done

    def test_mistakes_are_64(self):
        for words in ([], ["pu"], ["up", "-n", "0"], ["up", "-n", "65"], ["up", "-n", "4", "--follower", "61"],
                      ["up", "--base-port", "43000"], ["up", "--block-interval", "-1"], ["up", "x"], ["up", "-n"],
                      ["load"], ["load", "--tps", "0"], ["load", "--tps", "100000", "--seconds", "101"], ["logs"]):
            self.tandem(64, *words)
        self.assertFalse(self.dir.exists())
        self.tandem(0, "up", "--help", text="usage: tandem testnet up")

    def test_no_network(self):
        self.tandem(0, "down", text="no network in " + str(self.dir))
        for words in (["ps"], ["logs", "0"], ["report"], ["load", "--tps", "1"]):
            self.tandem(66, *words, text="tandem testnet up")

    def test_damaged_state(self):
        self.dir.mkdir()
        (self.dir / "testnet.json").write_text("{")
        for words in (["ps"], ["down"], ["up"]):
            self.tandem(78, *words, text="--fresh")

    def test_port_in_use_names_the_holder(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            if port > 42000:
                base, offset = port - 22000, 22000
            else:
                base, offset = port, 0
            self.tandem(69, "up", "-n", "1", "--base-port", base,
                        text=f"port {base + offset} of n0: held by process {os.getpid()} (")
        self.assertFalse(self.dir.exists())

    def test_where_no_folder_can_be(self):
        self.dir.write_text("")
        self.tandem(73, "up", "--base-port", 20000)


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
