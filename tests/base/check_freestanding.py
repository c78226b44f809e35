#!/usr/bin/env python3
"""base/core must build for the guest: no hosted header, no symbol beyond the four memory functions.

Compiles every source for 32-bit RISC-V with the system's headers out of reach and reads the
undefined symbols from the objects.  Exit status: 0 good, 1 bad, 77 when clang lacks the target.
"""
import os
import struct
import subprocess
import sys
import tempfile

FLAGS = ["--target=riscv32-unknown-elf", "-march=rv32im", "-mabi=ilp32", "-std=c17", "-O2",
         "-ffreestanding", "-nostdlibinc", "-Wall", "-Wextra", "-Werror", "-c"]
MEMORY = {"memcpy", "memmove", "memset", "memcmp"}
# 64-bit arithmetic on a 32-bit machine, supplied by the compiler's own runtime.
RUNTIME = {"__udivdi3", "__umoddi3", "__lshrdi3", "__ashldi3", "__muldi3"}


def symbols(path):
    """(name, defined) of every global symbol in a little-endian ELF32 object."""
    with open(path, "rb") as f:
        elf = f.read()
    assert elf[:6] == b"\x7fELF\x01\x01", path
    offset, = struct.unpack_from("<I", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 46)
    sections = [struct.unpack_from("<10I", elf, offset + i * size) for i in range(count)]
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 16):
            name, _, _, info, _, where = struct.unpack_from("<IIIBBH", elf, at)
            if info >> 4 == 1:  # STB_GLOBAL
                end = elf.index(b"\0", names + name)
                yield elf[names + name:end].decode(), where != 0


def main():
    root, sources = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as work:
        probe = os.path.join(work, "probe.c")
        with open(probe, "w", encoding="utf-8") as f:
            f.write("int probe;\n")
        try:
            subprocess.run(["clang", *FLAGS, probe, "-o", probe + ".o"], check=True,
                           capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            print("SKIP: no clang with a riscv32 target")
            return 77
        defined, wanted = set(), {}
        for i, source in enumerate(sources):
            target = os.path.join(work, "%d.o" % i)
            if subprocess.run(["clang", *FLAGS, "-I", root, source, "-o", target]).returncode != 0:
                return 1
            for name, has in symbols(target):
                if has:
                    defined.add(name)
                else:
                    wanted.setdefault(name, source)
    bad = {n: s for n, s in wanted.items() if n not in defined | MEMORY | RUNTIME}
    for name, source in sorted(bad.items()):
        print("%s needs %s, which the guest does not have" % (source, name))
    print("%d sources, %d outside symbols" % (len(sources), len(set(wanted) - defined)))
    return 1 if bad or not defined else 0


if __name__ == "__main__":
    sys.exit(main())
