#!/usr/bin/env python3
"""A home folder from outside: init, keys, guard, config, doctor, status; their exit codes and that nothing is
ever replaced. Usage: test_home.py TANDEM"""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lint"))

import transfer  # noqa: E402
from counted import run_counted  # noqa: E402

BINARY = sys.argv.pop()

# The key 1 of secp256k1: its point is the curve's generator.
KEY = "0x" + "00" * 31 + "01"
POINT = "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
ADDRESS = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
GENESIS = {
    "version": 1, "name": "t", "l1": {"chainId": 31337, "contract": "0x" + "00" * 20}, "chainId": 271828,
    "timestampMs": 1767225600000, "blockIntervalMs": 1000, "deltaMs": 250, "epochLength": 3600,
    "validatorsMax": 128, "maxBlockTxs": 16384, "maxBlockBytes": 2097152, "gasLimit": 30000000,
    "nativeLimit": 40000000, "txNativeMax": 2200000, "nativePerGas": 100, "gasPerPubdataByte": 16,
    "baseFeeMin": "0x7", "baseFee": "0x3b9aca00", "feeVault": "0xfeee" + "00" * 18,
    "batch": {"blocksMin": 16, "blocksMax": 64, "msMax": 120000, "nativeMax": 2000000000, "bytesMax": 700000},
    "validators": [{"address": ADDRESS, "key": POINT, "stake": 1}],
    "development": True, "alloc": {},
}


def tandem(*arguments, home=None, text=None, env=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TANDEM_")}
    where = ["--home", str(home)] if home else []
    return subprocess.run([BINARY, *map(str, arguments), *where], input=text or "", capture_output=True, text=True,
                          timeout=60, check=False, env={**clean, **(env or {})})


def secret(folder, name, content, mode=0o600):
    path = folder / name
    path.write_text(content)
    path.chmod(mode)
    return path


class Home(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.home = self.folder / "home"
        self.genesis = self.folder / "g.json"
        self.genesis.write_text(json.dumps(GENESIS))
        self.password = secret(self.folder, "password", "open\n")

    def expect(self, code, done, text=""):
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        self.assertIn(text, done.stdout if code == 0 else done.stderr)
        if code:
            self.assertLessEqual(len(done.stderr.splitlines()), 3, done.stderr)
        return done

    def init(self):
        self.expect(0, tandem("init", "--genesis", self.genesis, home=self.home))

    def key(self, *more):
        return tandem("keys", "new", "--light", "--password-file", self.password, *more, home=self.home)

    # ---- init

    def test_init_makes_private_files_and_keeps_what_is_there(self):
        self.init()
        for name, mode in {".": 0o700, "keys": 0o700, "keys/transport.key": 0o600, "tandem.toml": 0o644}.items():
            self.assertEqual((self.home / name).stat().st_mode & 0o777, mode, name)
        before = {p: p.read_bytes() for p in self.home.rglob("*") if p.is_file()}
        self.init()
        self.assertEqual(before, {p: p.read_bytes() for p in self.home.rglob("*") if p.is_file()})
        self.expect(0, tandem("config", "check", home=self.home), "tandem.toml: good")

    def test_init_refuses_another_chain(self):
        self.init()
        self.genesis.write_text(json.dumps({**GENESIS, "chainId": 7}))
        self.expect(73, tandem("init", "--genesis", self.genesis, home=self.home), "another chain")
        self.genesis.write_text("{")
        self.expect(78, tandem("init", "--genesis", self.genesis, home=self.home))
        self.expect(66, tandem("init", "--genesis", self.folder / "none", home=self.home))

    def test_init_where_no_folder_can_be(self):
        self.home.write_text("")
        self.expect(73, tandem("init", home=self.home), "is no folder")

    # ---- keys

    def test_new_key_has_a_guard_of_its_own(self):
        self.init()
        made = json.loads(self.expect(0, self.key("--json")).stdout)
        self.assertTrue(made["guard"])
        shown = json.loads(self.expect(0, tandem("guard", "show", "--json", home=self.home)).stdout)
        self.assertEqual((shown["validator"], shown["vote"]), (made["address"], None))
        listed = json.loads(tandem("keys", "list", "--json", home=self.home).stdout)
        self.assertEqual(listed, [{"name": "validator", "address": made["address"], "good": True}])
        self.assertEqual((self.home / "keys/validator.json").stat().st_mode & 0o777, 0o600)

    def test_a_second_key_does_not_sign_here(self):
        self.init()
        self.expect(0, self.key())
        self.expect(73, self.key("other"), "--no-guard")
        self.assertFalse((self.home / "keys/other.json").exists())
        self.expect(0, self.key("other", "--no-guard"))
        self.expect(73, self.key("other", "--no-guard"), "stays as it is")
        self.expect(78, tandem("guard", "show", home=self.home), "none is named")

    def test_no_genesis_no_guard(self):
        self.expect(0, tandem("init", home=self.home))
        self.expect(66, self.key(), "--no-guard")
        self.assertFalse((self.home / "keys/validator.json").exists())
        self.expect(0, self.key("--no-guard"))
        self.assertFalse((self.home / "guard.db").exists())

    def test_a_key_without_its_guard_is_taken_back(self):
        self.init()
        self.expect(73, self.key("--signer.guard_db=/none/guard.db"), "not kept")
        self.assertFalse((self.home / "keys/validator.json").exists())

    def test_passwords(self):
        self.init()
        self.expect(66, tandem("keys", "new", home=self.home), "no terminal")
        self.expect(66, tandem("keys", "new", "--password-file", "/none", home=self.home))
        self.password.chmod(0o644)
        self.expect(77, self.key(), "chmod 600")
        empty = secret(self.folder, "empty", "\n")
        self.expect(78, tandem("keys", "new", "--password-file", empty, home=self.home), "1 to 1024")

    def test_names(self):
        for name in ("../x", ".x", "a/b", "a b", "x" * 65):
            self.expect(64, tandem("keys", "new", name, "--no-guard", "--password-file", self.password, home=self.home))
        self.assertFalse(self.home.exists())

    def test_import_and_export(self):
        self.init()
        source = secret(self.folder, "raw", KEY + "\n")
        done = tandem("keys", "import", "v", source, "--light", "--password-file", self.password, home=self.home)
        self.expect(0, done, ADDRESS)
        self.assertIn("guard import", done.stderr)
        self.assertFalse((self.home / "guard.db").exists())
        raw = ["keys", "export", "v", "--unsafe-raw", "--password-file"]
        self.assertEqual(tandem(*raw, self.password, home=self.home).stdout, KEY + "\n")
        wrong = secret(self.folder, "wrong", "shut\n")
        self.expect(77, tandem(*raw, wrong, home=self.home), "wrong password")
        stored = tandem("keys", "export", "v", home=self.home).stdout
        self.assertEqual(json.loads(stored)["address"], ADDRESS[2:].lower())
        again = ["keys", "import", "w", "-", "--light", "--password-file"]
        self.expect(0, tandem(*again, self.password, home=self.home, text=stored), ADDRESS)
        self.expect(66, tandem("keys", "export", "none", home=self.home))

    def test_a_file_of_another_address_is_not_opened(self):
        self.init()
        self.expect(0, self.key())
        path = self.home / "keys/validator.json"
        told = json.loads(path.read_text())
        path.write_text(json.dumps({**told, "address": ADDRESS[2:]}))
        self.expect(78, tandem("keys", "export", "--unsafe-raw", "--password-file", self.password, home=self.home),
                    "not its key's")

    def test_import_refuses_what_is_no_key(self):
        for content in ("", "0x12", "zz" * 32, "00" * 32, "f" * 64, "{", "{}", KEY + "0" * 5000):
            source = secret(self.folder, "raw", content)
            done = tandem("keys", "import", "v", source, "--password-file", self.password, home=self.home)
            self.expect(78, done)
            self.assertFalse((self.home / "keys/v.json").exists(), content)
        source.chmod(0o640)
        self.expect(77, tandem("keys", "import", "v", source, "--password-file", self.password, home=self.home))

    def test_open_permissions_are_77(self):
        self.init()
        self.expect(0, self.key())
        (self.home / "keys/validator.json").chmod(0o644)
        self.expect(77, tandem("guard", "show", home=self.home), "chmod 600")
        self.expect(77, tandem("keys", "list", home=self.home))

    # ---- guard

    def test_guard_moves_with_its_key(self):
        self.init()
        source = secret(self.folder, "raw", KEY)
        for home, guard in ((self.home, ["--new-guard"]), (self.folder / "b", [])):
            self.expect(0, tandem("init", "--genesis", self.genesis, home=home))
            self.expect(0, tandem("keys", "import", "v", source, "--light", "--password-file", self.password, *guard,
                                  home=home))
        other = self.folder / "b"
        self.expect(66, tandem("guard", "show", home=other), "guard import")
        told = tandem("guard", "export", home=self.home).stdout
        self.assertEqual(json.loads(told)["validator"], ADDRESS)
        self.expect(0, tandem("guard", "import", "-", home=other, text=told))
        self.assertEqual(tandem("guard", "export", home=other).stdout, told)
        self.expect(0, tandem("guard", "import", "-", home=other, text=told))
        self.expect(73, tandem("guard", "new", home=other), "stays as it is")

    @staticmethod
    def voted(told, round_):
        """An exported guard whose key has voted in this round (consensus/guard.c has the layout)."""
        record = bytearray.fromhex(told["slots"]["0"][2:])[:-32]
        record[8 + 1] = 1
        record[136:144] = record[144:152] = round_.to_bytes(8, "big")
        return {**told, "slots": {"0": "0x" + (bytes(record) + transfer.keccak(bytes(record))).hex()}}

    def test_import_never_lowers(self):
        self.init()
        self.expect(0, self.key())
        empty = json.loads(tandem("guard", "export", home=self.home).stdout)
        steps = ((5, 0), (4, 80), (5, 0), (0, 80), (7, 0))
        for round_, code in steps:
            told = self.voted(empty, round_) if round_ else empty
            self.expect(code, tandem("guard", "import", "-", home=self.home, text=json.dumps(told)),
                        "a later vote" if code else "")
            shown = json.loads(tandem("guard", "show", "--json", home=self.home).stdout)
            self.assertEqual(shown["vote"]["round"], 7 if round_ == 7 else 5)

    def test_guard_refuses_strange_files(self):
        self.init()
        self.expect(0, self.key())
        good = json.loads(tandem("guard", "export", home=self.home).stdout)
        record = good["slots"]["0"]
        bad = [
            {**good, "format": "x"}, {**good, "version": 2}, {**good, "validator": "0x" + "11" * 20},
            {**good, "genesis": "0x" + "11" * 32}, {**good, "slots": {}}, {**good, "slots": {"16": "0x00"}},
            {**good, "slots": {"00": record}}, {**good, "slots": {"0": record[:-2] + "00"}},
            {**good, "slots": {"0": record[:-2]}}, {**good, "slots": {"0": record, "1": "0x"}},
            {**good, "slots": {"0": record, "1": "0x" + "00" * 65537}}, [], {},
        ]
        before = (self.home / "guard.db").read_bytes()
        for case in bad:
            self.expect(78, tandem("guard", "import", "-", home=self.home, text=json.dumps(case)))
        self.expect(78, tandem("guard", "import", "-", home=self.home, text="[" * 100000))
        self.assertEqual(before, (self.home / "guard.db").read_bytes())

    def test_damaged_guard_is_82(self):
        self.init()
        self.expect(0, self.key())
        guard = self.home / "guard.db"
        guard.write_bytes(b"SQLite format 3\0" + b"\xff" * 4080)
        self.expect(82, tandem("guard", "show", home=self.home))

    # ---- config

    def test_precedence_and_origin(self):
        self.init()
        where = ["config", "show", "--origin"]
        with (self.home / "tandem.toml").open("w") as f:
            f.write("[rpc]\nmax_conns = 7\n")
        self.assertIn("max_conns = 7  # " + str(self.home), tandem(*where, home=self.home).stdout)
        env = {"TANDEM_RPC_MAX_CONNS": "8"}
        self.assertIn("max_conns = 8  # TANDEM_RPC_MAX_CONNS", tandem(*where, home=self.home, env=env).stdout)
        for flag in (["--rpc.max_conns=9"], ["--rpc.max_conns", "9"]):
            self.assertIn("max_conns = 9  # --rpc.max_conns",
                          tandem(*where, *flag, home=self.home, env=env).stdout)
        self.assertIn('level = "debug"', tandem("config", "show", "-v", home=self.home).stdout)

    def test_mistakes_are_78_with_their_place(self):
        self.init()
        (self.home / "tandem.toml").write_text("[rpc]\nmax_con = 7\n")
        self.expect(78, tandem("config", "check", home=self.home), 'tandem.toml:2:1: unknown option "rpc.max_con"')
        (self.home / "tandem.toml").unlink()
        self.expect(0, tandem("config", "check", home=self.home))
        self.expect(78, tandem("config", "check", "--rpc.max_conns=x", home=self.home), "--rpc.max_conns")
        self.expect(78, tandem("config", "check", home=self.home, env={"TANDEM_RPC_MAX": "1"}), "TANDEM_RPC_MAX")
        self.expect(66, tandem("config", "check", "--config", "/none", home=self.home), "/none")
        self.expect(74, tandem("config", "check", "--config", self.folder, home=self.home))

    def test_defaults_are_read_back(self):
        (self.folder / "d.toml").write_text(tandem("config", "defaults").stdout)
        self.expect(0, tandem("config", "check", "--config", self.folder / "d.toml", home=self.home))

    def test_home_comes_from_the_environment_or_the_user(self):
        env = {"HOME": str(self.folder)}
        self.expect(0, tandem("init", env=env))
        self.assertTrue((self.folder / ".tandem/keys").is_dir())
        self.expect(0, tandem("init", env={**env, "TANDEM_HOME": str(self.home)}))
        self.assertTrue((self.home / "keys").is_dir())

    def test_usage_is_64(self):
        for words in (["keys"], ["keys", "make"], ["keys", "new", "a", "b"], ["keys", "new", "--lihgt"], ["guard"],
                      ["config"], ["config", "x"], ["init", "x"], ["doctor", "x"], ["status", "--wacth"],
                      ["init", "--genesis"], ["init", "--home"], ["keys", "import", "v"], ["guard", "import"]):
            self.assertEqual(tandem(*words).returncode, 64, words)
        self.assertIn("did you mean --light?", tandem("keys", "new", "--lihgt").stderr)
        self.expect(0, tandem("keys", "new", "--help"), "usage: tandem keys new")

    # ---- doctor, status

    def doctor(self, code):
        done = self.expect(code, tandem("doctor", "--json", "--storage.min_free_bytes=0", *self.ports(),
                                        "--signer.password_file", self.password, home=self.home))
        return {row["check"]: row for row in json.loads(done.stdout)}

    def ports(self):
        flags = []
        for option in ("p2p.listen", "rpc.http", "rpc.ws", "ops.listen"):
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                flags.append(f"--{option}=127.0.0.1:{s.getsockname()[1]}")
        return flags

    def test_doctor_says_what_is_missing(self):
        self.assertFalse(self.doctor(1)["home"]["good"])
        self.init()
        rows = self.doctor(1)
        self.assertEqual([n for n, row in rows.items() if not row["good"]], ["validator key", "sign guard"])
        self.assertEqual(rows["validator key"]["text"],
                         f"no key in {self.home}/keys. Make one: tandem keys new --home {self.home}")
        self.expect(0, self.key())
        self.doctor(0)

    def test_doctor_names_who_holds_a_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            done = tandem("doctor", f"--rpc.http=127.0.0.1:{port}", home=self.home)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"✗ port http     127.0.0.1:{port} is held by process {os.getpid()} (", done.stdout)

    def test_status_without_a_node_is_69(self):
        flag = self.ports()[3]
        self.expect(69, tandem("status", flag, home=self.home), "tandem start")

    def test_status_prints_lists_by_line_and_cuts_long_ones(self):
        told = {"mode": "active", "quorum": {"online": 3}, "affected": [], "cause": None,
                "validators": [{"address": "0xaa", "name": None, "online": True}, {"address": "0xbb", "online": False}],
                "blocks": [{"height": 100 - n} for n in range(32)]}
        with answering(json.dumps(told).encode()) as port:
            lines = self.expect(0, tandem("status", f"--ops.listen=127.0.0.1:{port}", home=self.home)).stdout.splitlines()
        lines = [line.split() for line in lines]
        for line in (["quorum.online", "3"], ["affected", "none"], ["cause", "null"],
                     ["validators", "address=0xaa", "online=true"], ["address=0xbb", "online=false"],
                     ["blocks", "height=100"], ["height=85"], ["and", "16", "more:", "--json"]):
            self.assertIn(line, lines)
        self.assertNotIn(["height=84"], lines)


@contextlib.contextmanager
def answering(body):
    """An ops port that answers one request with `body`."""
    def serve():
        peer, _ = listener.accept()
        with peer:
            while b"\r\n\r\n" not in peer.recv(4096):
                pass
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
