"""Which folder may include which, and which library's headers belong where (docs/style.md)."""
import re

from tree import line_of, without_comments

TITLE = "folders include only what the layer table grants"

# `base` and `executor` are split: core is freestanding, and the prover sees the executor's witness,
# guest and emulator only.
MAY = {
    "base/core": {"base/core"},
    "base/host": {"base/core", "base/host"},
    "consensus": {"base/core", "consensus"},
    "executor": {"base/core", "executor", "executor/shared"},
    "storage": {"base/core", "base/host", "storage"},
    "p2p": {"base/core", "base/host", "p2p"},
    "settlement": {"base/core", "base/host", "settlement"},
    "prover": {"base/core", "base/host", "prover", "executor/shared"},
    "node": {"base/core", "base/host", "consensus", "executor", "executor/shared", "storage", "p2p",
             "settlement", "prover", "node", "testnet", "tests/sim"},
    "testnet": {"base/core", "base/host", "node", "testnet"},
}
ANYTHING = {"tests", "tests/sim"}
EXECUTOR_SHARED = re.compile(r"executor/(witness|guest|rv32)[/_.]")

# Pattern of the header, who may include it. Tests may include any.
LIBRARIES = [
    (re.compile(r"event2?/|event\.h$|evhttp\.h$"), {"p2p", "node", "testnet"}),
    (re.compile(r"sqlite3(ext)?\.h$"), {"storage"}),
    (re.compile(r"libpq-fe\.h$|postgresql/"), {"storage"}),
    (re.compile(r"curl/|c_?-?kzg"), {"settlement"}),
    (re.compile(r"secp256k1"), {"base/host"}),
    (re.compile(r"sodium(\.h$|/)"), {"base/host", "p2p"}),
    (re.compile(r"openssl/"), {"node"}),
    (re.compile(r"cuda|nvrtc|cublas"), {"prover/cuda"}),
]
GENERATED = {"td_version.h"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*(include|include_next|import)\b[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>|(.*))', re.M)


def unit_of(path):
    """The row of the table a path belongs to, or None for a path outside every module."""
    parts = path.split("/")
    if len(parts) < 2:
        return None
    if parts[0] == "base":
        return "base/host" if parts[1] == "host" else "base/core"
    if parts[0] == "executor" and EXECUTOR_SHARED.match(path):
        return "executor/shared"
    if parts[0] == "tests":
        return "tests/sim" if parts[1] == "sim" else "tests"
    return parts[0] if parts[0] in MAY else None


def module_of(path):
    """The folder an `_internal.h` may not leave; tests/<module> and tests/fuzz/<module> count as
    part of <module>."""
    parts = path.split("/")
    if parts[:2] == ["tests", "fuzz"] and len(parts) > 3:
        return parts[2]
    return parts[1] if parts[0] == "tests" and len(parts) > 2 else parts[0]


def _library_fault(unit, path, header):
    for pattern, owners in LIBRARIES:
        if pattern.match(header):
            home = "prover/cuda" if path.startswith("prover/cuda/") else unit
            if home not in owners:
                return f"<{header}> belongs to {', '.join(sorted(owners))}"
    return None


def _include_fault(path, unit, kind, quoted, angled, computed):
    if kind != "include":
        return f"#{kind} is not used here"
    if computed is not None:
        return "a computed #include hides what it includes"
    header = quoted if quoted is not None else angled
    target = unit_of(header)
    if ".." in header.split("/"):
        return f'"{header}": includes start at the root, without ".."'
    if target is None:
        if quoted is not None and header not in GENERATED:
            return f'"{header}": project headers are named from the root ("module/file.h")'
        return None if unit in ANYTHING else _library_fault(unit, path, header)
    if header.endswith("_internal.h") and module_of(header) != module_of(path):
        return f'"{header}" is internal to {module_of(header)}'
    if unit in ANYTHING:
        return None
    if target == "tests/sim" and unit == "node" and header != "tests/sim/sim.h":
        return f'"{header}": node links the simulator by tests/sim/sim.h alone'
    if target == "testnet" and unit == "node" and header != "testnet/testnet.h":
        return f'"{header}": node links the local network by testnet/testnet.h alone'
    return None if target in MAY["executor" if unit == "executor/shared" else unit] \
        else f'{unit} must not include {target} ("{header}")'


def check(tree):
    faults = []
    for path in tree.c_files():
        unit = unit_of(path)
        text = without_comments(tree.text(path))
        if unit is None:
            if not path.startswith(("docs/", "tools/")):
                faults.append(f"{path}:1: C outside every module of the layer table")
            continue
        for match in INCLUDE.finditer(text):
            fault = _include_fault(path, unit, *match.groups())
            if fault:
                faults.append(f"{path}:{line_of(text, match.start())}: {fault}")
    return faults
