#!/usr/bin/env python3
"""Guest images as objdump reads them: only instructions of the proof machine.

Usage: check_image.py OBJDUMP IMAGE...   Exit status: 0 good, 1 bad.
"""
import re
import subprocess
import sys

MACHINE = set("""lui auipc jal jalr beq bne blt bge bltu bgeu lb lh lw lbu lhu sb sh sw addi slti sltiu
xori ori andi slli srli srai add sub sll slt sltu xor srl sra or and mul mulh mulhsu mulhu ecall
ebreak""".split())
LINE = re.compile(r"^\s*([0-9a-f]+):\s+([0-9a-f ]+?)\s+(\S+)")


def faults(objdump, image):
    """Lines about instructions that do not belong there; the last element is how many were read."""
    listing = subprocess.run([objdump, "-d", "-M", "no-aliases,numeric", image], check=True,
                             capture_output=True, text=True).stdout
    count, bad = 0, []
    for line in listing.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        count += 1
        address, word, name = match.groups()
        if name not in MACHINE or len(word) != 8:
            bad.append(f"{image}: {address}: {word} {name}")
    return bad, count


def main():
    objdump, images = sys.argv[1], sys.argv[2:]
    failed = False
    for image in images:
        bad, count = faults(objdump, image)
        for line in bad[:20]:
            print(line)
        print(f"{image}: {count} instructions, {len(bad)} foreign")
        # The start code alone has eight; fewer means that the listing was not understood.
        failed |= bool(bad) or count < 8
    return 1 if failed or not images else 0


if __name__ == "__main__":
    sys.exit(main())
