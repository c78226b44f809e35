"""clang-format agrees with every C file. The version is the distribution's: others format
differently, so on another version the gate cannot judge."""
import re
import shutil
import subprocess

from tree import Skip

TITLE = "clang-format changes nothing"
VERSION = 14


def _tool():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path:
            text = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
            found = re.search(r"version (\d+)", text.stdout)
            if found and int(found[1]) == VERSION:
                return path
            raise Skip(f"clang-format is version {found[1] if found else '?'}, Debian 12's {VERSION} decides")
    return None


def check(tree):
    files = tree.c_files()
    if not files:
        return []
    tool = _tool()
    if tool is None:
        return ["clang-format is missing: run `make deps`"]
    faults = []
    for start in range(0, len(files), 100):
        done = subprocess.run([tool, "--dry-run", "-Werror", "--style=file", *files[start:start + 100]],
                              cwd=tree.root, capture_output=True, text=True, check=False)
        where = re.findall(r"^(\S+?:\d+):\d+: error: .*clang-format", done.stderr, re.M)
        faults += [f"{place}: not as clang-format would have it (`make format`)" for place in where]
        if done.returncode != 0 and not where:
            faults.append(done.stderr.strip() or f"clang-format exited {done.returncode}")
    return faults
