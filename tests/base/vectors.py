#!/usr/bin/env python3
"""Turn reference data into lines of text, then run a test program on them.

Usage: vectors.py KIND SOURCE WORK_DIR PROGRAM

SOURCE is a public data file (or the folder of them); when it is missing the test prints why and
exits with meson's skip status 77.  The program finds its input in TD_VECTOR_FILE.  A field that
is empty is written as "-".
"""
import hashlib
import json
import lzma
import os
import subprocess
import sys
import tarfile

MASK = 2**64 - 1
SKIP = 77


# ---- Keccak, written from the definition: bit offsets and constants are derived, not listed

def keccak_f(lanes):
    """lanes[x][y]; rotation offsets from the (x, y) walk, iota constants from the LFSR."""
    lfsr = 1
    for _ in range(24):
        column = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4]
                  for x in range(5)]
        for x in range(5):
            d = column[(x + 4) % 5] ^ rotate(column[(x + 1) % 5], 1)
            for y in range(5):
                lanes[x][y] ^= d
        x, y, current = 1, 0, lanes[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], rotate(current, (t + 1) * (t + 2) // 2 % 64)
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & MASK & row[(x + 2) % 5])
        for j in range(7):
            if lfsr & 1:
                lanes[0][0] ^= 1 << ((1 << j) - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)


def rotate(v, n):
    return ((v << n) | (v >> (64 - n))) & MASK


def sponge_256(data, suffix):
    rate = 136
    lanes = [[0] * 5 for _ in range(5)]
    padded = bytearray(data) + bytes([suffix])
    padded += bytes(-len(padded) % rate)
    padded[-1] |= 0x80
    for block in range(0, len(padded), rate):
        for i in range(rate // 8):
            word = padded[block + 8 * i:block + 8 * i + 8]
            lanes[i % 5][i // 5] ^= int.from_bytes(word, "little")
        keccak_f(lanes)
    return b"".join(lanes[i][0].to_bytes(8, "little") for i in range(4))


def keccak_lines(_source):
    lengths = list(range(0, 300)) + [407, 408, 409, 1000]
    for n in lengths:
        data = bytes((7 * i + n) % 256 for i in range(n))
        if sponge_256(data, 0x06) != hashlib.sha3_256(data).digest():
            sys.exit("vectors.py: the reference Keccak disagrees with hashlib")
        yield "%s %s" % (data.hex() or "-", sponge_256(data, 0x01).hex())
    yield "%s %s" % (b"abc".hex(), sponge_256(b"abc", 0x01).hex())


# ---- RLP: flattened so that a C test can rebuild the value

def rlp_ops(value):
    """S:hex for a string, N:decimal for an integer, [ and ] around a list."""
    if isinstance(value, list):
        return ["["] + [op for item in value for op in rlp_ops(item)] + ["]"]
    if isinstance(value, str) and value.startswith("#"):
        value = int(value[1:])
    if isinstance(value, int):
        if value < 2**256:
            return ["N:%d" % value]
        return ["S:" + value.to_bytes((value.bit_length() + 7) // 8, "big").hex()]  # beyond struct td_wei, so written as its bytes
    return ["S:" + value.encode("latin-1").hex()]


def rlp_lines(source):
    with tarfile.open(source) as tar:
        for name in ("rlptest", "invalidRLPTest", "RandomRLPTests/example"):
            cases = json.load(tar.extractfile("RLPTests/%s.json" % name))
            for case, body in cases.items():
                raw = body["out"].lower()
                raw = raw[2:] if raw.startswith("0x") else raw
                kind = body["in"] if body["in"] in ("INVALID", "VALID") else "ENCODE"
                ops = rlp_ops(body["in"]) if kind == "ENCODE" else []
                yield " ".join([case, kind, raw or "-"] + ops)


# ---- tries: the set that a list of updates leaves, one line each

TRIE_FILES = ["trietest", "trieanyorder", "trietest_secureTrie", "trieanyorder_secureTrie",
              "hex_encoded_securetrie_test"]


def trie_bytes(text):
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode("latin-1")


def trie_lines(source):
    """trietestnextprev is left out: it asks a stored trie for a key's neighbours, and ours computes
    a root without storing anything."""
    with tarfile.open(source) as tar:
        for name in TRIE_FILES:
            cases = json.load(tar.extractfile("TrieTests/%s.json" % name))
            form = "secure" if "secure" in name else "plain"
            for case, body in cases.items():
                updates = body["in"].items() if isinstance(body["in"], dict) else body["in"]
                pairs = {}
                for key, value in updates:  # null deletes; the last update of a key counts
                    pairs[trie_bytes(key)] = b"" if value is None else trie_bytes(value)
                yield " ".join(["%s/%s" % (name, case), form, body["root"][2:]] + [
                    (field.hex() or "-") for pair in pairs.items() for field in pair])


# ---- Poseidon2, from the constants in the file, plain modular arithmetic

P = 2**31 - 2**24 + 1


def poseidon2(data, width, state):
    d = data["width_%d" % width]
    state = list(state)

    def external():
        chunks = [[sum(m * x for m, x in zip(row, state[c:c + 4])) for row in data["m4"]]
                  for c in range(0, width, 4)]
        total = [sum(chunk[i] for chunk in chunks) for i in range(4)]
        state[:] = [(v + total[i]) % P for chunk in chunks for i, v in enumerate(chunk)]

    def full(rounds):
        for constants in rounds:
            state[:] = [pow(x + c, 3, P) for x, c in zip(state, constants)]
            external()

    external()
    full(d["rounds_full_first"])
    for c in d["rounds_partial"]:
        state[0] = pow(state[0] + c, 3, P)
        total = sum(state)
        state[:] = [(total + v * x) % P for v, x in zip(d["internal_diag"], state)]
    full(d["rounds_full_last"])
    return state


def sponge_p2(data, tag, elements):
    state = [0] * 15 + [tag, len(elements)] + [0] * 7
    blocks = [elements[i:i + 15] for i in range(0, len(elements), 15)] or [[]]
    for block in blocks:
        state[:15] = block + [0] * (15 - len(block))
        state = poseidon2(data, 24, state)
    return state[:9]


def row(kind, *numbers):
    return " ".join([kind] + [str(n) for n in numbers])


def poseidon2_lines(source):
    with open(source, encoding="utf-8") as f:
        data = json.load(f)
    for width in (16, 24):
        for kat in data["width_%d" % width]["kat"]:
            if poseidon2(data, width, kat["in"]) != kat["out"]:
                sys.exit("vectors.py: the reference Poseidon2 disagrees with the file")
            yield row("perm%d" % width, *kat["in"], *kat["out"])
    word = 1
    for n in list(range(0, 48)) + [150]:
        elements = []
        for _ in range(n):
            word = word * 6364136223846793005 + 1442695040888963407 & MASK
            elements.append((word >> 20) % P)
        tag = 1 + n % 10
        yield row("sponge", tag, n, *elements, *sponge_p2(data, tag, elements))
        if n >= 18:
            state = elements[:18] + [tag] + [0] * 5
            yield row("node", tag, *elements[:18], *poseidon2(data, 24, state)[:9])


# ---- Wycheproof ECDSA: reduced to key, SHA-256 digest, r, s, and the stated verdict

def der_integers(sig):
    """(r, s) of a strict DER signature, None for anything else."""
    def integer(at):
        if sig[at] != 2 or sig[at + 1] > 127:
            raise ValueError
        body = sig[at + 2:at + 2 + sig[at + 1]]
        if len(body) != sig[at + 1] or not body or body[0] > 127:
            raise ValueError
        if len(body) > 1 and body[0] == 0 and body[1] < 128:
            raise ValueError
        return int.from_bytes(body, "big"), at + 2 + sig[at + 1]
    try:
        if sig[0] != 0x30 or sig[1] != len(sig) - 2 or sig[1] > 127:
            return None
        r, at = integer(2)
        s, at = integer(at)
        return (r, s) if at == len(sig) else None
    except (ValueError, IndexError):
        return None


def wycheproof_lines(source):
    """A signature that has no pair of 32-byte integers has no 64-byte form and cannot be sent to
    us at all; such cases must be "invalid" and are counted, not tested."""
    for name in ("bitcoin", "p1363"):
        path = os.path.join(source, "ecdsa_secp256k1_sha256_%s_test.json.xz" % name)
        with lzma.open(path) as f:
            data = json.load(f)
        unencodable = 0
        for group in data["testGroups"]:
            point = bytes.fromhex(group["publicKey"]["uncompressed"])
            key = bytes([2 + point[64] % 2]) + point[1:33]
            for case in group["tests"]:
                sig = bytes.fromhex(case["sig"])
                if name == "bitcoin":
                    pair = der_integers(sig)
                else:
                    half = len(sig) // 2
                    pair = None if len(sig) != 64 else (
                        int.from_bytes(sig[:half], "big"), int.from_bytes(sig[half:], "big"))
                if pair is None or max(pair) >= 2**256:
                    if case["result"] != "invalid":
                        sys.exit("vectors.py: %s %d has no 64-byte form" % (name, case["tcId"]))
                    unencodable += 1
                    continue
                digest = hashlib.sha256(bytes.fromhex(case["msg"])).hexdigest()
                yield "%s %d %s %s %s %064x %064x" % (
                    name, case["tcId"], case["result"], key.hex(), digest, *pair)
        print("%s: %d signatures without a 64-byte form, all invalid" % (name, unencodable))


KINDS = {"keccak": keccak_lines, "rlp": rlp_lines, "trie": trie_lines,
         "poseidon2": poseidon2_lines, "wycheproof": wycheproof_lines}


def main():
    kind, source, work, program = sys.argv[1:]
    needed = [source]
    if kind == "wycheproof":
        needed = [os.path.join(source, "ecdsa_secp256k1_sha256_%s_test.json.xz" % n)
                  for n in ("bitcoin", "p1363")]
    for path in needed:
        if kind != "keccak" and not os.path.exists(path):
            print("SKIP: %s not found" % path)
            return SKIP
    text = os.path.join(work, "vectors_%s.txt" % kind)
    with open(text, "w", encoding="ascii") as f:
        for line in KINDS[kind](source):
            f.write(line + "\n")
    sys.stdout.flush()
    return subprocess.run([program], env={**os.environ, "TD_VECTOR_FILE": text}).returncode


if __name__ == "__main__":
    sys.exit(main())
