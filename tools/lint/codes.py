"""Every code an operator may see is explained, and nothing is explained that cannot be seen. A log
code is an enum constant X_T_NAME = nnnn, named at one place that logs it and described in one row
of docs/codes.md (`| T1001 | …`); no log call writes a bare number, and none from WARN on lacks a code.
Exit codes are NODE_EXIT_NAME = n, one row each (`| 70 | …`) and one line of the manual page."""
import re

from tree import code_only, line_of

TITLE = "log and exit codes: unique, used once, explained in docs/codes.md"

PAGE = "docs/codes.md"
MANUAL = "docs/tandem.1"
DECLARED = re.compile(r"\b([A-Z0-9]+_T_[A-Z0-9_]+)\s*=\s*(\d+)\b")
USED = re.compile(r"\b[A-Z0-9]+_T_[A-Z0-9_]+\b")
EXIT = re.compile(r"\bNODE_EXIT_[A-Z0-9_]+\s*=\s*(\d+)\b")
ROW = re.compile(r"^\| *(T?)(\d+) *\|", re.M)
CITED = re.compile(r"\bT(\d{4})\b")
MANUAL_ROW = re.compile(r"^(\d+)\t", re.M)
# A number where a name belongs: an event's member, and the call that ends the node.
BARE = re.compile(r"\.code\s*=\s*(?:\([a-z0-9_ ]+\)\s*)*\(?\d|\bshell_stop\([^;]*?,\s*\d{4}u?\s*,")
LOUD = re.compile(r"\bTD_LOG_(?:WARN|ERROR)\b")
SHORT_FORM = re.compile(r"\bTD_LOG\s*\([^()]*\Z")
# The log's own files define the levels; they log nothing.
LOG_ITSELF = "base/host/log."


def _logging(tree):
    """C that may log or name a code: everything that ships."""
    return [path for path in tree.c_files() if not path.startswith(("tests/", LOG_ITSELF))]


def _declared(tree, faults):
    names, numbers = {}, {}
    for path in _logging(tree):
        code = code_only(tree.text(path))
        for match in DECLARED.finditer(code):
            place = f"{path}:{line_of(code, match.start())}"
            if match[2] in numbers:
                faults.append(f"{place}: T{match[2]} is already {numbers[match[2]]}")
            if len(match[2]) != 4:
                faults.append(f"{place}: {match[1]} has no code of four digits")
            names[match[1]] = (match[2], place)
            numbers.setdefault(match[2], match[1])
    return names, numbers


def _initializer(code, start):
    """From `start` to the brace that closes the initializer around it."""
    depth = 0
    for at in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[at], 0)
        if depth < 0:
            return code[start:at]
    return code[start:]


def _check_calls(tree, names, faults):
    places = {name: [] for name in names}
    for path in _logging(tree):
        code = code_only(tree.text(path))
        declared = {match.start(1) for match in DECLARED.finditer(code)}
        for match in USED.finditer(code):
            if match[0] in names and match.start() not in declared:
                places[match[0]].append(f"{path}:{line_of(code, match.start())}")
        for match in BARE.finditer(code):
            faults.append(f"{path}:{line_of(code, match.end())}: a bare number for a log code; name it")
        for match in LOUD.finditer(code):
            place = f"{path}:{line_of(code, match.start())}"
            if SHORT_FORM.search(code[:match.start()]):
                faults.append(f"{place}: TD_LOG carries no code; a warning needs td_log_put")
            elif ".code" not in _initializer(code, match.end()):
                faults.append(f"{place}: a warning without a code")
    for name, found in places.items():
        if not found:
            faults.append(f"{names[name][1]}: {name} is never logged")
        for place in found[1:]:
            faults.append(f"{place}: {name} is logged at {found[0]} already; one code, one message")


def _check_rows(path, rows, known, letter, faults):
    seen = set()
    for number, line in rows:
        if number in seen:
            faults.append(f"{path}:{line}: {letter}{number} is explained twice")
        elif number not in known:
            faults.append(f"{path}:{line}: the program has no {letter}{number}")
        seen.add(number)
    faults += [f"{known[number]}: {letter}{number} is missing in {path}" for number in known if number not in seen]


def _check_citations(tree, numbers, faults):
    for path in tree.markdown():
        for match in CITED.finditer(tree.text(path)):
            if match[1] not in numbers:
                faults.append(f"{path}:{line_of(tree.text(path), match.start())}: no log code T{match[1]}")


def check(tree):
    faults = []
    names, numbers = _declared(tree, faults)
    _check_calls(tree, names, faults)
    exits = {}
    for path in _logging(tree):
        code = code_only(tree.text(path))
        exits.update({match[1]: f"{path}:{line_of(code, match.start())}" for match in EXIT.finditer(code)})
    page = tree.text(PAGE) if PAGE in tree.paths else ""
    rows = [(match[1], match[2], line_of(page, match.start())) for match in ROW.finditer(page)]
    _check_rows(PAGE, [(n, line) for letter, n, line in rows if letter],
                {number: names[name][1] for number, name in numbers.items()}, "T", faults)
    _check_rows(PAGE, [(n, line) for letter, n, line in rows if not letter], exits, "exit code ", faults)
    if MANUAL in tree.paths:
        manual = tree.text(MANUAL)
        _check_rows(MANUAL, [(m[1], line_of(manual, m.start())) for m in MANUAL_ROW.finditer(manual)], exits,
                    "exit code ", faults)
    _check_citations(tree, numbers, faults)
    return faults
