#!/usr/bin/env python3
"""SIGKILL at random moments: four validators under load lose one of them, or all, again and again. What any node ever
called final stays, on all nodes; no node's head goes back; nobody signs twice; and all go on within a bound.

Usage: kill.py TANDEM [--kills 20] [--seed 1]"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))

from counted import run_counted  # noqa: E402

NODES = 4
EVERYBODY_SHARE = 0.15  # of the kills take all four at once
DEADLINE_S = 60


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("tandem")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    del sys.argv[1:]
    return given


GIVEN = options()


def free_base():
    """A base port whose ports are free in each of the four places."""
    for base in range(20000, 40000, 100):
        with contextlib.ExitStack() as stack:
            try:
                for offset in (0, 1, 1000, 22000):
                    for node in range(NODES):
                        s = stack.enter_context(socket.socket())
                        s.bind(("127.0.0.1", base + offset + 10 * node))
                return base
            except OSError:
                continue
    raise RuntimeError("no free ports")


def until(what, condition):
    """Wait for something of another process, which cannot call back."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {DEADLINE_S} s: {what} (seed {GIVEN.seed})")


class Kills(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.dir = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory())) / "net"
        self.base = free_base()
        self.rng = random.Random(GIVEN.seed)
        self.nodes = {}
        self.told = {}  # height -> hash, by whichever node
        self.heads = [0] * NODES

    def tandem(self, *words):
        return [GIVEN.tandem, "testnet", *map(str, words), "--dir", str(self.dir)]

    def rpc(self, node, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.base + 10 * node}", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["result"]

    def head(self, node):
        try:
            return int(self.rpc(node, "eth_blockNumber"), 16)
        except OSError:
            return -1

    def hash(self, node, height):
        return self.rpc(node, "eth_getBlockByNumber", hex(height), False)["hash"]

    def start(self, node):
        log = self.stack.enter_context((self.dir / f"n{node}" / "log").open("ab"))
        self.nodes[node] = subprocess.Popen([GIVEN.tandem, "start", "--home", str(self.dir / f"n{node}")],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.stack.callback(self.nodes[node].wait)
        self.stack.callback(self.nodes[node].kill)

    def note(self):
        """What each node says now, to be held against it later."""
        for node in range(NODES):
            height = self.head(node)
            self.assertGreaterEqual(height, self.heads[node], f"the head of n{node} went back")
            self.heads[node] = height
            if height > 0:
                self.assertEqual(self.told.setdefault(height, self.hash(node, height)), self.hash(node, height))

    def make(self):
        made = subprocess.run(self.tandem("up", "-n", NODES, "--base-port", self.base, "--block-interval", 200,
                                          "--detach"), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False)
        self.stack.callback(subprocess.run, self.tandem("down"), stdin=subprocess.DEVNULL, capture_output=True,
                            timeout=60, check=False)
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        pids = [p["pid"] for p in json.loads((self.dir / "testnet.json").read_text())["processes"]]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            until("the first lives end", lambda p=pid: not pathlib.Path(f"/proc/{p}").exists())

    def kill(self, count):
        time.sleep(self.rng.uniform(0.05, 1.0))
        self.note()
        everybody = self.rng.random() < EVERYBODY_SHARE
        victims = list(range(NODES)) if everybody else [self.rng.randrange(NODES)]
        for node in victims:
            self.assertIsNone(self.nodes[node].poll(), f"n{node} ended by itself")
            self.nodes[node].kill()
        for node in victims:
            self.nodes[node].wait()
        time.sleep(self.rng.uniform(0, 0.4))
        for node in victims:
            self.start(node)
        for node in victims:
            until(f"n{node} answers after kill {count}", lambda n=node: self.head(n) >= 0)
        before = max(map(self.head, range(NODES)))
        until(f"all go on after kill {count} of {victims} at height {before}",
              lambda: min(map(self.head, range(NODES))) > before)

    def test_nothing_that_was_final_is_lost(self):
        self.make()
        for node in range(NODES):
            self.start(node)
        until("the first blocks", lambda: min(map(self.head, range(NODES))) >= 1)
        load = subprocess.Popen(self.tandem("load", "--tps", 20, "--seconds", 36000), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stack.callback(load.wait)
        self.stack.callback(load.kill)
        for count in range(GIVEN.kills):
            self.kill(count)
        self.note()
        top = min(map(self.head, range(NODES)))
        for height in range(1, top + 1):
            hashes = {self.hash(node, height) for node in range(NODES)}
            self.assertEqual(len(hashes), 1, f"height {height}")
            self.assertEqual(self.told.get(height, min(hashes)), min(hashes), f"height {height} was told otherwise")
        for node in range(NODES):
            log = (self.dir / f"n{node}" / "log").read_text()
            for line in ("evidence of misbehaviour", "signs nothing until", "ERROR"):
                self.assertNotIn(line, log, f"n{node}")
        for node in self.nodes.values():
            node.send_signal(signal.SIGTERM)
        self.assertEqual([node.wait(timeout=30) for node in self.nodes.values()], [0] * NODES)
        print(f"{GIVEN.kills} kills, {top} blocks, {len(self.told)} acknowledged heads held", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
