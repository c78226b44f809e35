#!/usr/bin/env python3
"""Write executor/crypto/bn254_tables.h: every constant of bn254, derived from its parameter u.

Usage: bn254_constants.py > bn254_tables.h
       bn254_constants.py --check bn254_tables.h

A Barreto-Naehrig curve is fixed by u (Barreto, Naehrig 2005); EIP-196 and EIP-197 give p, r, b = 3,
i^2 = -1 and the twist's 9 + i, against which the derivation is checked.  The script also proves the
facts the C code relies on.  Exit status: 0 done or equal, 1 different.
"""
import math
import sys

U = 4965661367192848881
P = 36 * U**4 + 36 * U**3 + 24 * U**2 + 6 * U + 1
R = 36 * U**4 + 36 * U**3 + 18 * U**2 + 6 * U + 1
T = 6 * U**2 + 1  # trace of Frobenius
XI = (9, 1)
MONT = 2**256


# ---- F_p[i], i^2 = -1

def mul(a, b):
    return ((a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P)


def power(a, e):
    out = (1, 0)
    for bit in bin(e)[2:]:
        out = mul(out, out)
        if bit == "1":
            out = mul(out, a)
    return out


def inverse(a):
    n = pow(a[0] * a[0] + a[1] * a[1], -1, P)
    return (a[0] * n % P, -a[1] * n % P)


# ---- facts

def resultant(f, g):
    """Of two integer polynomials, low coefficient first: the determinant of the Sylvester matrix."""
    m, n = len(f) - 1, len(g) - 1
    rows = [[0] * i + f[::-1] + [0] * (n - 1 - i) for i in range(n)]
    rows += [[0] * i + g[::-1] + [0] * (m - 1 - i) for i in range(m)]
    sign, previous = 1, 1
    for k in range(m + n - 1):  # Bareiss: exact integer elimination
        if rows[k][k] == 0:
            swap = next(i for i in range(k + 1, m + n) if rows[i][k])
            rows[k], rows[swap], sign = rows[swap], rows[k], -sign
        for i in range(k + 1, m + n):
            for j in range(k + 1, m + n):
                rows[i][j] = (rows[i][j] * rows[k][k] - rows[i][k] * rows[k][j]) // previous
        previous = rows[k][k]
    return sign * rows[-1][-1]


def check_facts():
    # EIP-196's prime and group order.
    assert P == 21888242871839275222246405745257275088696311157297823662689037894645226208583
    assert R == 21888242871839275222246405745257275088548364400416034343698204186575808495617
    assert P + 1 - T == R
    # 9 + i is no square and no cube, so F_p12 = F_p2[w] / (w^6 - xi) is a field.
    assert power(XI, (P**2 - 1) // 2) != (1, 0) and power(XI, (P**2 - 1) // 3) != (1, 0)
    # xi^((p^2-1)/6) has no imaginary part, and its cube is -1.
    assert power(XI, (P**2 - 1) // 6)[1] == 0 and power(XI, (P**2 - 1) // 2) == (P - 1, 0)
    # The subgroup test: psi, the twisted Frobenius, satisfies psi^2 - T psi + P = 0 on the twist,
    # which has R * (2P - R) points.  A point killed by f(psi) = 6u+2 + psi - psi^2 + psi^3 is then
    # killed by the resultant, hence by its greatest common divisor with the group order: R.
    # Conversely psi acts as multiplication by P on the points of order R.
    f, chi = [6 * U + 2, 1, -1, 1], [P, -T, 1]
    assert math.gcd(resultant(f, chi), R * (2 * P - R)) == R
    assert (6 * U + 2 + P - P**2 + P**3) % R == 0
    # The final exponent's hard part, times a number coprime to R (Fuentes-Castaneda, Knapp,
    # Rodriguez-Henriquez 2011).
    lambdas = [1 + 6 * U + 12 * U**2 + 12 * U**3, 4 * U + 6 * U**2 + 12 * U**3,
               6 * U + 6 * U**2 + 12 * U**3, -1 + 4 * U + 6 * U**2 + 12 * U**3]
    factor = 2 * U * (6 * U**2 + 3 * U + 1)
    total = sum(c * P**i for i, c in enumerate(lambdas))
    assert total == factor * ((P**4 - P**2 + 1) // R) and math.gcd(factor, R) == 1


# ---- the endomorphism (x, y) -> (beta x, y) = multiplication by lambda on G1 (Gallant, Lambert,
# Vanstone 2001) and a short basis of the lattice {(a, b): a + b lambda = 0 mod R}

def g1_add(a, b):
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        s = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        s = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (s * s - a[0] - b[0]) % P
    return (x, (s * (a[0] - x) - a[1]) % P)


def g1_mul(k, a):
    out = None
    for bit in bin(k)[2:]:
        out = g1_add(out, out)
        if bit == "1":
            out = g1_add(out, a)
    return out


def endomorphism():
    lam = next(v for v in (pow(g, (R - 1) // 3, R) for g in range(2, 50)) if v != 1)
    beta = next(v for v in (pow(g, (P - 1) // 3, P) for g in range(2, 50)) if v != 1)
    if g1_mul(lam, (1, 2)) != (beta, 2):
        beta = beta * beta % P
    assert g1_mul(lam, (1, 2)) == (beta, 2)
    rows, (r0, r1), (t0, t1) = [], (R, lam), (0, 1)
    while r1:
        q = r0 // r1
        r0, r1, t0, t1 = r1, r0 - q * r1, t1, t0 - q * t1
        rows.append((r0, -t0))
    short = sorted(rows, key=lambda v: v[0]**2 + v[1]**2)[:2]
    (a1, b1), (a2, b2) = short
    det = a1 * b2 - a2 * b1
    if det < 0:
        (a1, b1), (a2, b2) = (a2, b2), (a1, b1)
        det = -det
    assert det == R and all((a + b * lam) % R == 0 for a, b in short)
    # The signs and the equality the C code builds in.
    assert a1 == b2 and a1 > 0 and b1 < 0 and a2 > 0 and max(a1, -b1, a2) < 2**128
    return beta, (a1, b1), (a2, b2)


def naf(n):
    """Non-adjacent form, most significant digit first."""
    digits = []
    while n:
        d = 2 - n % 4 if n % 2 else 0
        digits.append(d)
        n = (n - d) // 2
    return digits[::-1]


def window_naf(n, width):
    """Digits 0 or odd below 2^(width-1) in size, most significant first."""
    digits = []
    while n:
        d = 0
        if n % 2:
            d = n % 2**width
            d -= 2**width if d >= 2**(width - 1) else 0
        digits.append(d)
        n = (n - d) // 2
    return digits[::-1]


# ---- text

def limbs(v, count=4):
    return ", ".join("0x%016X" % (v >> 64 * i & 2**64 - 1) for i in range(count))


def fp(v):
    v %= P
    return "BN_FP(%s,\n          %s)" % (limbs(v * MONT % P), limbs(v))


def fp2(a):
    return "{{%s,\n      %s}}" % (fp(a[0]), fp(a[1]))


def define(name, comment, kind, value):
    return "/* %s */\nstatic const struct %s %s = %s;\n" % (comment, kind, name, value)


def array(name, comment, kind, values):
    return "/* %s */\nstatic const struct %s %s[%d] = {\n    %s,\n};\n" % (
        comment, kind, name, len(values), ",\n    ".join(values))


def digit_array(name, comment, digits):
    rows = [", ".join(str(d) for d in digits[i:i + 20]) for i in range(0, len(digits), 20)]
    return "/* %s */\nstatic const int8_t %s[%d] = {\n    %s,\n};\n" % (
        comment, name, len(digits), ",\n    ".join(rows))


def scalar(name, comment, v, count):
    words = ", ".join("BN_64(0x%016X)" % (v >> 64 * i & 2**64 - 1) for i in range(count))
    return "/* %s */\nstatic const exec_limb %s[] = {\n    %s};\n" % (comment, name, words)


def render():
    check_facts()
    beta, v1, v2 = endomorphism()
    g1 = (2**257 * v2[1] // R + 1) // 2
    g2 = (-2**257 * v1[1] // R + 1) // 2
    out = [
        "/* Generated by executor/crypto/gen/bn254_constants.py; do not edit.\n"
        " * BN_FP takes the four 64-bit limbs of x * 2^256 mod p, then those of x, low limb first. */\n"
        "#pragma once\n\n#include \"executor/crypto/bn254_field.h\"\n\n/* clang-format off */\n",
        define("BN_B", "y^2 = x^3 + 3 (EIP-196)", "bn_fp", fp(3)),
        define("BN_TWIST_B", "3 / (9 + i), the twist's constant (EIP-197)", "bn_fp2",
               fp2(mul((3, 0), inverse(XI)))),
        define("BN_TWIST_3B", "9 / (9 + i)", "bn_fp2", fp2(mul((9, 0), inverse(XI)))),
        array("BN_FROBENIUS_1", "(9 + i)^(k (p - 1) / 6), k = 1 .. 5", "bn_fp2",
              [fp2(power(XI, k * (P - 1) // 6)) for k in range(1, 6)]),
        array("BN_FROBENIUS_2", "(9 + i)^(k (p^2 - 1) / 6), k = 1 .. 5", "bn_fp",
              [fp(power(XI, k * (P**2 - 1) // 6)[0]) for k in range(1, 6)]),
        array("BN_FROBENIUS_3", "(9 + i)^(k (p^3 - 1) / 6), k = 1 .. 5", "bn_fp2",
              [fp2(power(XI, k * (P**3 - 1) // 6)) for k in range(1, 6)]),
        digit_array("BN_LOOP", "6u + 2 in non-adjacent form, highest digit first", naf(6 * U + 2)),
        digit_array("BN_U", "u with digits 0, +-1, +-3, +-5, +-7, highest digit first",
                    window_naf(U, 4)),
        scalar("BN_GLV_G1", "round(2^256 b2 / r)", g1, 3),
        scalar("BN_GLV_G2", "round(-2^256 b1 / r)", g2, 3),
        scalar("BN_GLV_A1", "a1 = b2 of the short vectors (a1, b1), (a2, b2) with a + b lambda = 0 mod r", v1[0], 2),
        scalar("BN_GLV_MINUS_B1", "-b1", -v1[1], 2),
        scalar("BN_GLV_A2", "a2", v2[0], 2),
        define("BN_BETA", "beta^3 = 1: (x, y) -> (beta x, y) multiplies points of G1 by lambda",
               "bn_fp", fp(beta)),
    ]
    return "\n".join(out)


def main():
    text = render()
    if sys.argv[1:2] == ["--check"]:
        with open(sys.argv[2], encoding="utf-8") as f:
            if f.read() != text:
                print("%s differs from what bn254_constants.py writes" % sys.argv[2])
                return 1
        return 0
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
