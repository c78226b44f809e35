#!/usr/bin/env python3
"""Scenarios of faults on real processes. Usage: scenarios.py TANDEM [NAME…|all]; without names two short ones, and
what the commands around them refuse. Names are files of testnet/scenarios."""
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "lint"))

from counted import run_counted  # noqa: E402

SCENARIOS = TESTS.parent / "testnet" / "scenarios"
BINARY, *NAMES = sys.argv[1:]
del sys.argv[1:]
SHORT = ["kill_all", "split_2_2"]
EVERY = sorted(path.stem for path in SCENARIOS.glob("*.toml"))
CHOSEN = EVERY if NAMES == ["all"] else NAMES or SHORT


def tandem(*words, timeout=300):
    return subprocess.run([BINARY, *map(str, words)], capture_output=True, stdin=subprocess.DEVNULL, text=True,
                          timeout=timeout, check=False)


class Scenarios(unittest.TestCase):
    """One case per file."""


def add(name):
    def case(self):
        with tempfile.TemporaryDirectory() as folder:
            junit = pathlib.Path(folder) / "out.xml"
            began = time.monotonic()
            done = tandem("testnet", "run", SCENARIOS / f"{name}.toml", "--seed", 7, "--junit", junit)
            print(f"{name}: exit {done.returncode} in {time.monotonic() - began:.1f} s;",
                  *(line.strip() for line in done.stdout.splitlines() if "stall  " in line or "recovery  " in line),
                  flush=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("✓ blocks lost     0\n", done.stdout)
            suite = xml.etree.ElementTree.parse(junit).getroot()
            self.assertEqual(suite.get("failures"), "0")
            self.assertEqual(len(suite), int(suite.get("tests")))
            self.assertGreater(len(suite), 6)
    setattr(Scenarios, f"test_{name}", case)


for chosen in CHOSEN:
    add(chosen)


@unittest.skipIf(NAMES, "scenarios were named")
class Refusals(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.dir = pathlib.Path(self.folder.name)

    def refused(self, code, text, *words):
        done = tandem(*words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(text, done.stderr)
        self.assertLessEqual(done.stderr.count("\n"), 3)

    def test_expectation_that_does_not_hold_is_1_and_keeps_the_logs(self):
        (self.dir / "s.toml").write_text('[network]\ninterval = "100ms"\n[[expect]]\nmetric = "running"\nop = "=="\n'
                                         'value = 3\nat = "0s"\nwithin = "1s"\n')
        net = self.dir / "net"
        done = tandem("testnet", "run", self.dir / "s.toml", "--dir", net, "--junit", self.dir / "out.xml")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("✗ line 3: running == 3 (is 4)", done.stdout)
        self.assertEqual(xml.etree.ElementTree.parse(self.dir / "out.xml").getroot().get("failures"), "1")
        self.assertTrue((net / "n3" / "log").exists())
        self.outside_development(net)
        self.needs_a_running_network(net)

    def outside_development(self, net):
        genesis = net / "n0" / "genesis.json"
        told = json.loads(genesis.read_text())
        self.assertTrue(told["development"])
        told["development"] = False
        genesis.write_text(json.dumps(told))
        self.refused(78, "fault.enabled", "start", "--home", net / "n0")

    def needs_a_running_network(self, net):
        self.refused(69, "up --faults", "testnet", "fault", "partition", "n0", "/", "n1", "--dir", net)
        self.refused(69, "does not run", "testnet", "fault", "kill", "n0", "--dir", net)
        self.refused(64, "no fault 9", "testnet", "fault", "clear", "9", "--dir", net)
        for words in (["melt"], ["kill", "n4"], ["kill"], ["partition", "n0", "n1"], ["partition", "n0", "/", "n0"],
                      ["link", "n0"], ["link", "n0->n1", "--delay", "2m"], ["link", "n0->n1", "--loss", "5"],
                      ["clock", "n0"], ["disk", "n0", "wet"], ["kill", "n0", "--at-failpoint", "x"],
                      ["rpc", "flood"], ["clear"], ["restart"]):
            self.refused(64, "testnet fault:", "testnet", "fault", *words, "--dir", net)

    def test_mistakes_of_a_file_have_a_place(self):
        bad = self.dir / "s.toml"
        bad.write_text('[network]\n[[fault]]\nkind = "melt"\n')
        self.refused(78, f"{bad}:3:8: kind", "testnet", "run", bad)
        self.refused(66, "missing.toml", "testnet", "run", self.dir / "missing.toml")
        self.refused(64, "usage: tandem testnet run", "testnet", "run")


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
