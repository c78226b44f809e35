#!/usr/bin/env python3
"""Two state tests made without Tandem's code, read by test_exec.c:
transfer.py transfer > transfer.json; transfer.py refused > refused.json

An EIP-1559 transaction pays 5 wei to a contract that logs a word and stores the value; in the second
its fee cap is below the base fee. Gas, fees, logs, signature and roots are worked out here from
their definitions.
"""
import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "base"))
from vectors import sponge_256  # noqa: E402

P = 2**256 - 2**32 - 977
N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141
G = (0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798,
     0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8)


def keccak(data):
    return sponge_256(data, 0x01)


def point_add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = (3 * a[0] * a[0] * pow(2 * a[1], -1, P) if a == b
             else (b[1] - a[1]) * pow(b[0] - a[0], -1, P))
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def point_mul(k, p):
    sum_ = None
    while k:
        if k & 1:
            sum_ = point_add(sum_, p)
        p, k = point_add(p, p), k >> 1
    return sum_


def sign(key, digest, nonce):
    """(y parity, r, s); the nonce need not be secret for a key that is public."""
    r_point = point_mul(nonce, G)
    r, parity = r_point[0] % N, r_point[1] & 1
    s = pow(nonce, -1, N) * (int.from_bytes(digest, "big") + r * key) % N
    return (parity ^ 1, r, N - s) if s > N // 2 else (parity, r, s)


def rlp(v):
    if isinstance(v, int):
        v = v.to_bytes((v.bit_length() + 7) // 8, "big")
    if isinstance(v, list):
        body, base = b"".join(rlp(item) for item in v), 0xc0
    elif len(v) == 1 and v[0] < 0x80:
        return v
    else:
        body, base = v, 0x80
    if len(body) < 56:
        return bytes([base + len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(size)]) + size + body


def path(nibbles, leaf):
    flag = (2 if leaf else 0) + len(nibbles) % 2
    nibbles = [flag] + ([] if len(nibbles) % 2 else [0]) + nibbles
    return bytes(a << 4 | b for a, b in zip(nibbles[::2], nibbles[1::2]))


def held(node):
    return node if len(rlp(node)) < 32 else keccak(rlp(node))


def trie(pairs):
    """Node over (nibbles, value) of keys of one length."""
    if len(pairs) == 1:
        return [path(pairs[0][0], True), pairs[0][1]]
    first = pairs[0][0]
    shared = next(i for i in range(len(first)) if any(p[0][i] != first[i] for p in pairs))
    if shared:
        return [path(first[:shared], False), held(trie([(n[shared:], v) for n, v in pairs]))]
    groups = [[(n[1:], v) for n, v in pairs if n[0] == c] for c in range(16)]
    return [held(trie(g)) if g else b"" for g in groups] + [b""]


def root(pairs):
    nibbles = [([x for b in keccak(k) for x in (b >> 4, b & 15)], v) for k, v in pairs]
    return keccak(rlp(trie(nibbles) if pairs else b""))


def state_root(world):
    def account(a):
        slots = root([(k.to_bytes(32, "big"), rlp(v)) for k, v in a["storage"].items()])
        return rlp([a["nonce"], a["balance"], slots, keccak(a["code"])])
    return root([(addr, account(a)) for addr, a in world.items()])


def text(v):
    if isinstance(v, bytes):
        return "0x" + v.hex()
    return hex(v) if isinstance(v, int) else {text(k): text(w) for k, w in v.items()} \
        if isinstance(v, dict) and all(isinstance(k, (bytes, int)) for k in v) \
        else {k: text(w) for k, w in v.items()}


def main(kind):
    key = 0x7461_6e64_656d
    public = point_mul(key, G)
    sender = keccak(b"".join(c.to_bytes(32, "big") for c in public))[12:]
    contract, coinbase = bytes.fromhex("c0de" * 10), bytes.fromhex("c01b" * 10)
    # MSTORE(0, 0x2a) LOG1(0, 32, topic 7) SSTORE(1, CALLVALUE) STOP
    code = bytes.fromhex("602a600052" "600760206000a1" "34600155" "00")
    base_fee, tip, cap, value, limit = 7, 2, 20, 5, 60000
    gas = 21000 + (3 + 3 + 3 + 3) + (9 + 375 + 375 + 8 * 32) + (2 + 3 + 22100)

    fields = [1, 0, tip, cap, limit, contract, value, b"", []]
    signature = sign(key, keccak(b"\x02" + rlp(fields)), 0x5eed)
    raw = b"\x02" + rlp(fields + list(signature))
    logs = [[contract, [(7).to_bytes(32, "big")], (0x2a).to_bytes(32, "big")]]

    def account(nonce, balance, code=b"", storage=None):
        return {"nonce": nonce, "balance": balance, "code": code, "storage": storage or {}}
    pre = {sender: account(0, 10**18), contract: account(1, 0, code, {2: 3})}
    post = {sender: account(1, 10**18 - value - gas * (base_fee + tip)),
            contract: account(1, value, code, {1: value, 2: 3}),
            coinbase: account(0, gas * tip)}
    expected, base_fee_now = {}, base_fee
    if kind == "refused":
        expected = {"expectException": "TransactionException.INSUFFICIENT_MAX_FEE_PER_GAS"}
        base_fee_now, post, logs = cap + 1, pre, []
    case = {
        "env": {"currentCoinbase": text(coinbase), "currentGasLimit": "0x989680",
                "currentNumber": "0x01", "currentTimestamp": "0x03e8",
                "currentRandom": "0x" + "00" * 32, "currentDifficulty": "0x00",
                "currentBaseFee": text(base_fee_now), "currentExcessBlobGas": "0x00"},
        "config": {"chainid": "0x01"},
        "pre": text(pre),
        "post": {"Prague": [{"hash": text(state_root(post)), "logs": text(keccak(rlp(logs))),
                             "txbytes": text(raw), "state": text(post), **expected}]},
    }
    name = {"transfer": "transfer to a contract that logs and stores",
            "refused": "transfer with a fee cap below the base fee"}[kind]
    print(json.dumps({name: case}, indent=1))


if __name__ == "__main__":
    main(sys.argv[1])
