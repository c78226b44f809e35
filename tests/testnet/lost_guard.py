#!/usr/bin/env python3
"""A validator that lost its sign guard, as docs/operations.md says to bring it back: with an empty guard it follows, signs nothing
and says so, until the next epoch; then it signs again and is ready. Real processes, epochs of 64 blocks. Usage: lost_guard.py TANDEM"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "lint"), str(TESTS / "testnet"), str(TESTS / "node")]

BINARY = sys.argv.pop()
sys.argv.append(BINARY)  # for up.py, which takes it on import

from counted import run_counted  # noqa: E402
from up import NODES, free_base, until  # noqa: E402

EPOCH_BLOCKS = 64  # the shortest that the protocol allows


def tandem(*arguments):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TANDEM_")}
    return subprocess.run([BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=True, env=clean).stdout


class LostGuard(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.base = free_base()
        self.nodes = [None] * NODES
        stack.callback(lambda: [self.stop(i) for i in range(NODES)])
        tandem("testnet", "up", "-n", NODES, "--dir", self.folder, "--base-port", self.base, "--block-interval", 0,
               "--detach")
        tandem("testnet", "down", "--dir", self.folder)
        for i in range(NODES):  # a chain with shorter epochs is another chain: data and guard begin anew
            genesis = self.home(i) / "genesis.json"
            text = json.loads(genesis.read_text())
            genesis.write_text(json.dumps({**text, "epochLength": EPOCH_BLOCKS}))
            shutil.rmtree(self.home(i) / "data")
            (self.home(i) / "data").mkdir(mode=0o700)
            self.lose_guard(i)

    def home(self, i):
        return self.folder / f"n{i}"

    def lose_guard(self, i):
        for file in self.home(i).glob("guard.db*"):
            file.unlink()
        tandem("guard", "new", "--home", self.home(i))

    def start(self, i):
        with open(self.home(i) / "log", "a") as log:
            self.nodes[i] = subprocess.Popen([BINARY, "start", "--home", self.home(i)], stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)

    def stop(self, i):
        if self.nodes[i] is not None:
            self.nodes[i].terminate()
            self.nodes[i].wait(30)
            self.nodes[i] = None

    def page(self, i, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.base + 1000 + 10 * i}{path}", timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()
        except OSError:
            return 0, b"{}"

    def status(self, i):
        return json.loads(self.page(i, "/status")[1])

    def test_it_is_silent_until_the_next_epoch_and_ready_after(self):
        for i in range(NODES):
            self.start(i)
        until("blocks", lambda: self.status(3).get("latest", 0) >= 4)
        self.stop(3)
        self.lose_guard(3)
        self.start(3)
        passive = until("passive", lambda: [s for s in [self.status(3)] if s.get("mode") == "passive"])[0]
        code, why = self.page(3, "/readyz")
        if self.status(3)["mode"] == "passive":
            self.assertEqual(code, 503)
            self.assertIn(b"signs nothing until the next epoch", why)
        self.assertIn("code=T1110", (self.home(3) / "log").read_text())
        active = until("active", lambda: [s for s in [self.status(3)] if s["mode"] == "active"])[0]
        self.assertGreater(active["epoch"], passive["epoch"])
        until("ready", lambda: self.page(3, "/readyz")[0] == 200)
        until("votes", lambda: next(v for v in self.status(3)["validators"] if v["self"])["last_vote_round"] > 0)
        self.assertIsNone(self.nodes[3].poll())
        self.assertNotIn("code=T1101", (self.home(0) / "log").read_text(), "it signed against itself")


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
