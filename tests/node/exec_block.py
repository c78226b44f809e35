#!/usr/bin/env python3
"""`tandem exec block` and `tandem guest run` as a user chains them, and its hashes worked out here.
Usage: exec_block.py TANDEM BLOCK.json [GUEST.elf SOFT.elf]"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lint"), str(HERE.parent / "base")]

from counted import run_counted  # noqa: E402
from vectors import sponge_256  # noqa: E402

TANDEM, FILE, *IMAGES = sys.argv[1:]
del sys.argv[1:]


def keccak(data):
    return sponge_256(data, 0x01)


def run(*words):
    done = subprocess.run([TANDEM, *map(str, words)], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def unhex(text):
    return bytes.fromhex(text[2:])


def bloom(logs):
    """Yellow Paper, 4.3.1."""
    bits = 0
    for log in logs:
        for name in [log["address"], *log["topics"]]:
            digest = keccak(unhex(name))
            for i in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[i:i + 2], "big") & 2047)
    return bits


class Block(unittest.TestCase):
    def test_guest_puts_out_the_statement(self):
        if not IMAGES:
            self.skipTest("no guest images were built")
        for image, soft in zip(IMAGES, [[], ["--soft"]]):
            with tempfile.TemporaryDirectory() as folder:
                witness = pathlib.Path(folder) / "w.bin"
                said = run("exec", "block", FILE, "--witness", witness, *soft)
                words = [x for x in said.splitlines() if x.startswith("statement")][0].split()[1:]
                guest = run("guest", "run", witness, "--elf", image)
                self.assertEqual(guest.splitlines()[0].split()[1:], words)
                self.assertIn(f"tandem guest run {witness}", said)

    def test_hashes_are_those_of_what_is_shown(self):
        *blocks, last = [json.loads(x) for x in run("exec", "block", FILE, "--json").splitlines()]
        self.assertEqual(last["differences"], "0x0")
        parent = None
        for block in blocks:
            header = unhex(block["header"])
            self.assertEqual(keccak(b"TandemHeader1" + header).hex(), block["blockHash"][2:])
            data = keccak(unhex(block["dataOn"])) + keccak(unhex(block["dataOff"]))
            self.assertEqual(keccak(data).hex(), block["daCommitment"][2:])
            if parent is not None:
                self.assertEqual(header[65:97], parent)
            parent = unhex(block["blockHash"])
            gas = 0
            for tx in block["transactions"]:
                gas += int(tx.get("gasUsed", "0x0"), 16)
                self.assertEqual(tx["status"], "success" if tx["verdict"] == "ok" else "skipped")
                if "cumulativeGasUsed" in tx:
                    self.assertEqual(int(tx["logsBloom"], 16), bloom(tx["logs"]))
                    self.assertEqual(int(tx["cumulativeGasUsed"], 16), gas)
            self.assertEqual(gas, int(block["gasUsed"], 16))


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
