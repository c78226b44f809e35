#!/usr/bin/env python3
"""A local network end to end: four processes reach blocks, a transfer becomes final everywhere, a node killed
with SIGKILL comes back, all nodes have one chain, and nothing is left running. Usage: up.py TANDEM"""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "lint"))
sys.path.insert(0, str(TESTS / "node"))

import transfer  # noqa: E402
from counted import run_counted  # noqa: E402

BINARY = sys.argv.pop()
NODES = 4
KEY = 0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80
TO = bytes.fromhex("c0ffee" + "00" * 17)
DEADLINE_S = 60


def free_base():
    """A base port whose whole range is free: 40 ports from each of three places."""
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
        time.sleep(0.1)
    raise AssertionError(f"not within {DEADLINE_S} s: {what}")


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Network(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.dir = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory())) / "net"
        self.base = free_base()
        self.pids = []

    def tandem(self, *words, code=0):
        done = subprocess.run([BINARY, "testnet", *map(str, words), "--dir", str(self.dir)], capture_output=True,
                              stdin=subprocess.DEVNULL, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def up(self):
        out = self.tandem("up", "-n", NODES, "--base-port", self.base, "--detach")
        self.stack.callback(self.stop)
        self.pids = self.processes()
        return out

    def stop(self):
        with contextlib.suppress(Exception):
            self.tandem("down")
        for pid in self.pids:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)

    def processes(self):
        return [p["pid"] for p in json.loads((self.dir / "testnet.json").read_text())["processes"]]

    def rpc(self, node, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.base + 10 * node}", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            told = json.load(answer)
        self.assertNotIn("error", told, (method, params))
        return told["result"]

    def height(self, node):
        try:
            return int(self.rpc(node, "eth_blockNumber"), 16)
        except OSError:
            return -1

    def same_chain(self):
        least = min(self.height(node) for node in range(NODES))
        for height in range(least + 1):
            hashes = {self.rpc(node, "eth_getBlockByNumber", hex(height), False)["hash"] for node in range(NODES)}
            self.assertEqual(len(hashes), 1, f"height {height}")
        return least

    def send(self, node):
        chain = int(self.rpc(node, "eth_chainId"), 16)
        public = transfer.point_mul(KEY, transfer.G)
        sender = "0x" + transfer.keccak(b"".join(c.to_bytes(32, "big") for c in public))[12:].hex()
        nonce = int(self.rpc(node, "eth_getTransactionCount", sender, "pending"), 16)
        gas = int(self.rpc(node, "eth_estimateGas", {"from": sender, "to": "0x" + TO.hex(), "value": "0x5"}), 16)
        fields = [chain, nonce, 10**9, 10**11, gas * 2, TO, 5, b"", []]
        signature = transfer.sign(KEY, transfer.keccak(b"\x02" + transfer.rlp(fields)), 0x5eed + nonce)
        raw = b"\x02" + transfer.rlp(fields + list(signature))
        sent = self.rpc(node, "eth_sendRawTransaction", "0x" + raw.hex())
        self.assertEqual(sent, "0x" + transfer.keccak(raw).hex())
        return sent

    def included(self, tx):
        for node in range(NODES):
            receipt = until(f"receipt on n{node}", lambda n=node: self.rpc(n, "eth_getTransactionReceipt", tx))
            self.assertEqual(int(receipt["status"], 16), 1)

    def test_life_of_a_network(self):
        out = self.up()
        self.assertIn(f"http://127.0.0.1:{self.base}", out)
        self.assertIn("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", out)
        self.tandem("up", code=83)
        until("height 5", lambda: min(map(self.height, range(NODES))) >= 5)

        self.included(self.send(0))
        for node in range(NODES):
            self.assertEqual(int(self.rpc(node, "eth_getBalance", "0x" + TO.hex(), "latest"), 16), 5)

        os.kill(self.pids[3], signal.SIGKILL)
        until("n3 is gone", lambda: not alive(self.pids[3]))
        self.tandem("ps", code=1)
        before = self.height(0)
        until("three go on", lambda: self.height(0) >= before + 2)
        again = subprocess.Popen([BINARY, "start", "--home", str(self.dir / "n3")], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stack.callback(again.wait)
        self.stack.callback(again.kill)
        head = self.height(0)
        until("n3 is at the head again", lambda: self.height(3) >= head)
        self.included(self.send(3))

        self.assertGreaterEqual(self.same_chain(), 5)
        self.assertIn("one chain", self.tandem("report"))
        again.send_signal(signal.SIGTERM)
        self.assertEqual(again.wait(timeout=20), 0)
        self.tandem("down")
        self.assertEqual([pid for pid in self.pids if alive(pid)], [])
        self.tandem("down")

    def test_load_is_included(self):
        self.up()
        done = json.loads(self.tandem("load", "--tps", 50, "--seconds", 5, "--accounts", 20, "--json"))
        self.assertEqual((done["refused"], done["failed"]), (0, 0))
        self.assertEqual(done["included"], done["accepted"])
        self.assertGreaterEqual(done["accepted"], 240)

    def test_ctrl_c_leaves_nothing(self):
        up = subprocess.Popen([BINARY, "testnet", "up", "-n", str(NODES), "--base-port", str(self.base), "--dir",
                               str(self.dir)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.stack.callback(up.kill)
        line = next(text for text in up.stdout if text.startswith("final "))
        self.assertIn("faults 0", line)
        self.pids = self.processes()
        self.stack.callback(self.stop)
        self.assertTrue(all(map(alive, self.pids)))
        up.send_signal(signal.SIGINT)
        rest = up.stdout.read()
        self.assertEqual(up.wait(timeout=30), 0, rest)
        self.assertEqual([pid for pid in self.pids if alive(pid)], [])


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
