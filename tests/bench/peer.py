#!/usr/bin/env python3
"""Our interpreter beside a second one, on the same bytecode, in turns: `make bench` runs it.

    peer.py BENCH_EXECUTOR NODE_MODULES [--quick]

The second one is the EVM of anvil (revm), a program inside an npm package that `make npm` installs.
Each program runs with two iteration counts and the difference counts, so that a request's cost
drops out.  Ours is timed by its thread's CPU clock, anvil by the CPU time of all its threads.
Anvil keeps its inspector attached to every call, as it does in use: revm alone would be faster."""
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROUNDS = 9  # odd, as the other benchmarks' runs
CALLER = "0x000000000000000000000000000000000000ca11"
PROGRAM = "0x0000000000000000000000000000000000001000"
GAS = hex(1 << 40)
START_S = 30
REQUEST_S = 120
# Anvil's command line.  Prague: the rules of our interpreter (Osaka caps a transaction's gas).
OPTIONS = ["--host", "127.0.0.1", "--hardfork", "prague", "--no-mining", "--silent",
           "--disable-block-gas-limit"]


def find_anvil(folder):
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "other")
    path = os.path.join(folder, "@foundry-rs", "anvil-%s-%s" % (sys.platform, machine), "bin",
                        "anvil")
    return path if os.access(path, os.X_OK) else None


class Anvil:
    """A running anvil; a context manager that ends it."""

    def __init__(self, path):
        self.path = path
        self.version = subprocess.run([path, "--version"], capture_output=True, text=True,
                                      check=True).stdout.split()[2]

    def __enter__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = "http://127.0.0.1:%d" % port
        self.process = subprocess.Popen([self.path, "--port", str(port)] + OPTIONS,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait(self):
        end = time.monotonic() + START_S
        while True:
            try:
                return self.request("eth_chainId", [])
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def request(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        r = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(r, timeout=REQUEST_S) as answer:
            reply = json.load(answer)
        if "error" in reply:
            raise RuntimeError("anvil refused %s: %s" % (method, reply["error"]))
        return reply["result"]

    def cpu_ns(self):
        """Nanoseconds its threads have run; a thread that ended takes its own with it."""
        total, tasks = 0, "/proc/%d/task" % self.process.pid
        for task in os.listdir(tasks):
            with open("%s/%s/schedstat" % (tasks, task)) as f:
                total += int(f.read().split()[0])
        return total

    def call_ns(self, accounts):
        begin = self.cpu_ns()
        self.request("eth_call", [{"from": CALLER, "to": PROGRAM, "gas": GAS}, "latest", accounts])
        return self.cpu_ns() - begin

    def iteration_ns(self, program):
        few, many = (self.call_ns(accounts) for accounts in program["runs"])
        return (many - few) / (program["counts"][1] - program["counts"][0])


class Ours:
    def __init__(self, path):
        self.process = subprocess.Popen([path, "--peer"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.programs = [json.loads(line) for line in iter(self.process.stdout.readline, "\n")]

    def iteration_ns(self, number):
        self.process.stdin.write("%d\n" % number)
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(ours, anvil, rounds):
    series = [([], []) for _ in ours.programs]
    for accounts in (p["runs"][0] for p in ours.programs):
        anvil.call_ns(accounts)  # threads and pages are there
    for _ in range(rounds):
        for number, program in enumerate(ours.programs):
            series[number][0].append(ours.iteration_ns(number))
            series[number][1].append(anvil.iteration_ns(program))
    return series


def show(ours, anvil, series):
    print("second EVM: anvil %s (revm, its inspector attached), %d runs in turn, ns of CPU per"
          " iteration" % (anvil.version, len(series[0][0])))
    print("  %-44s %10s %10s %8s  %s" % ("median", "ours", "anvil", "ratio", "ratio min..max"))
    for program, (a, b) in zip(ours.programs, series):
        ratios = [x / y for x, y in zip(a, b)]
        print("  %-44s %10.1f %10.1f %8.3f  %.3f..%.3f" % (
            program["name"], statistics.median(a), statistics.median(b),
            statistics.median(ratios), min(ratios), max(ratios)))


def main():
    bench, folder = sys.argv[1:3]
    path = find_anvil(folder)
    if path is None or not os.path.exists("/proc/self/schedstat"):
        print("skipped: no second EVM here (`make npm` installs anvil; its CPU time needs Linux)")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that anvil is ended then too
    ours = Ours(bench)
    try:
        with Anvil(path) as anvil:
            show(ours, anvil, compare(ours, anvil, 1 if "--quick" in sys.argv[3:] else ROUNDS))
    finally:
        ours.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
