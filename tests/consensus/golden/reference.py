"""Reference values for the hashes of consensus/, from an implementation of its own.

    reference.py --check reference.txt     exit 1 if the file is not what this script prints
    reference.py --regen reference.txt     write it

Written from the specification (sections P-1.3, P-1.5, P-2, P-3.5) and EIP-712, not from the C code; the C
tests compare with reference.txt.  The sponge below is first held against hashlib's SHA3-256, which
differs from Keccak-256 in one padding byte."""
import hashlib
import sys
from fractions import Fraction

MASK = (1 << 64) - 1


def rounds():
    """Round constants from the LFSR x^8 + x^6 + x^5 + x^4 + 1 (Keccak reference, 1.2)."""
    state, out = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            if state & 1:
                constant |= 1 << ((1 << j) - 1)
            state <<= 1
            if state & 0x100:
                state ^= 0x171
        out.append(constant)
    return out


ROUND = rounds()


def permute(lanes):
    turn = lambda v, n: ((v << n) | (v >> (64 - n))) & MASK if n else v
    for constant in ROUND:
        column = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        for x in range(5):
            d = column[(x + 4) % 5] ^ turn(column[(x + 1) % 5], 1)
            lanes[x] = [lane ^ d for lane in lanes[x]]
        x, y, current = 1, 0, lanes[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], turn(current, (t + 1) * (t + 2) // 2 % 64)
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & MASK & row[(x + 2) % 5])
        lanes[0][0] ^= constant


def sponge(data, pad):
    rate = 136
    data += bytes([pad]) + bytes(-(len(data) + 1) % rate)
    data = data[:-1] + bytes([data[-1] | 0x80])
    lanes = [[0] * 5 for _ in range(5)]
    for at in range(0, len(data), rate):
        for i in range(rate // 8):
            lanes[i % 5][i // 5] ^= int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little")
        permute(lanes)
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def keccak(*parts):
    return sponge(b"".join(parts), 0x01)


for sample in (b"", b"abc", bytes(135), bytes(136), bytes(range(256)) * 3):
    assert sponge(sample, 0x06) == hashlib.sha3_256(sample).digest()


def u(n, size):
    return n.to_bytes(size, "big")


def h(label, n):
    """The fixture's hash of a name."""
    return keccak(label.encode(), u(n, 8))


def eip712(type_string, members, separator):
    words = b"".join(m if isinstance(m, bytes) else u(m, 32) for m in members)
    return keccak(b"\x19\x01", separator, keccak(keccak(type_string.encode()), words))


def separator(l1_chain, contract, l2_chain, genesis):
    salt = keccak(u(l2_chain, 8), genesis)
    kind = keccak(b"EIP712Domain(uint256 chainId,address verifyingContract,bytes32 salt)")
    return keccak(kind, u(l1_chain, 32), bytes(12), contract, salt)


def header(filler, end_batch):
    """Epoch 1, round 8, height 71 as the fixture builds it, every field in offset order."""
    origin = u(1234567, 8) + h("l1", 1234567) + u(42, 8) + h("priority", 42) + h("registry", 1)
    return (u(1, 8) + u(8, 8) + u(71, 8) + u(filler | end_batch << 1, 1) + h("block", 70) + u(7, 8) +
            h("block", 70) + u(1700000071000, 8) + u(1, 2) + h("payload", 71) + u(20, 4) + u(3, 4) +
            origin + h("result", 68) + u(66, 8) + h("attested", 66) + bytes(32) + h("next set", 2))


def payload_root(hashes):
    if not hashes:
        return bytes(32)
    row = [keccak(b"\0", x) for x in hashes]
    while len(row) > 1:
        pairs = [keccak(b"\1", a, b) for a, b in zip(row[::2], row[1::2])]
        row = pairs + ([row[-1]] if len(row) % 2 else [])
    return keccak(b"\2", u(len(hashes), 4), row[0])


def entries(count):
    """(address, key, stake) of the fixture's validators, by address."""
    return sorted((h("validator", i)[:20], b"\2" + h("key", i), 100 + i) for i in range(count))


def leaders(stakes, seed, slots=1024):
    """Earliest deadline first over exact fractions, then Fisher-Yates on the counter stream."""
    total = sum(stakes)
    held, table = [0] * len(stakes), []
    for step in range(slots):
        ready = [i for i, s in enumerate(stakes) if s and Fraction(held[i] * total, s) < step + 1]
        pick = min(ready, key=lambda i: (Fraction(held[i] + 1, stakes[i]), i))
        held[pick] += 1
        table.append(pick)

    def words():
        counter = 0
        while True:
            block = keccak(seed, u(counter, 8))
            counter += 1
            for at in range(0, 32, 2):
                yield int.from_bytes(block[at:at + 2], "big")

    stream = words()
    for i in range(slots - 1, 0, -1):
        while True:
            word = next(stream)
            if word >= (1 << 16) % (i + 1):
                break
        j = word % (i + 1)
        table[i], table[j] = table[j], table[i]
    return b"".join(u(x, 2) for x in table)


def lines():
    yield "separator", separator(31337, bytes(20), 7001, h("genesis", 0))
    contract = bytes(range(1, 21))
    domain = separator(1, contract, 7001, h("genesis", 0))
    yield "separator_contract", domain
    block = h("block", 70)
    yield "propose", eip712("Propose(uint64 epoch,uint64 round,bytes32 blockHash)", [1, 8, block], domain)
    yield "vote", eip712("Vote(uint64 epoch,uint64 round,uint64 height,bytes32 blockHash)",
                         [1, 8, 70, block], domain)
    yield "commit", eip712("CommitVote(uint64 epoch,uint64 round,bytes32 blockHash)", [1, 8, block], domain)
    yield "timeout", eip712("Timeout(uint64 epoch,uint64 round,uint64 lockRound)", [1, 9, 8], domain)
    names = ["state", "messages", "da", "priority"]
    attest = ([1, h("set", 1), 70, block, h("block", 69)] + [h(n, 70) for n in names] + [h("next set", 2)])
    yield "attest", eip712("Attest(uint64 epoch,bytes32 setHash,uint64 height,bytes32 blockHash,"
                           "bytes32 parentHash,bytes32 stateCommitment,bytes32 messagesRoot,"
                           "bytes32 daCommitment,bytes32 priorityHash,bytes32 nextSetHash)", attest, domain)
    yield "attest_digest", keccak(*(m if isinstance(m, bytes) else u(m, 8) for m in attest))
    yield "batch", eip712("BatchAttest(uint64 epoch,bytes32 setHash,bytes32 batchHash)",
                          [1, h("set", 1), h("batch", 1)], domain)
    for filler, end_batch in ((0, 0), (0, 1)):
        yield f"header_{filler}{end_batch}", keccak(b"TandemHeader1", header(filler, end_batch))
    for count in (0, 1, 2, 3, 5, 8, 1000):
        yield f"payload_{count}", payload_root([h("tx", i) for i in range(count)])
    yield "result", keccak(u(68, 8), block, *(h(n, 68) for n in ("state", "receipts", "messages", "da", "priority")),
                           u(123456789, 8))
    for count in (1, 7, 256):
        coded = b"".join(a + k + u(s, 8) for a, k, s in entries(count))
        yield f"set_{count}", keccak(u(1, 8), coded)
        yield f"registry_{count}", keccak(u(count, 2), coded)
    stakes = [s for _, _, s in entries(7)]
    yield "leaders_7", keccak(leaders(stakes, h("seed", 1)))
    stakes[3] = 0
    yield "leaders_7_without_3", keccak(leaders(stakes, h("seed", 2)))
    yield "leaders_100", keccak(leaders([s for _, _, s in entries(100)], h("seed", 3)))


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("--check", "--regen"):
        sys.exit("usage: reference.py --check|--regen FILE")
    text = "".join(f"{name} {value.hex()}\n" for name, value in lines())
    if sys.argv[1] == "--regen":
        with open(sys.argv[2], "w", encoding="ascii") as out:
            out.write(text)
        return
    with open(sys.argv[2], encoding="ascii") as kept:
        if kept.read() != text:
            sys.exit(f"{sys.argv[2]}: differs from what reference.py computes")


main()
