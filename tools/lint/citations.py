"""Every citation of the protocol names a section that exists, once. docs/protocol.md defines section
[P-x.y] where that mark opens a line (after heading, list or table marks); elsewhere it cites. A
citation may name a section, a whole chapter (P-x), several (`, ` between) or a range (` .. `)."""
import re

TITLE = "cited protocol sections exist, each defined once"

SPEC = "docs/protocol.md"
CITATION = re.compile(r"\[(P-[^\]\n]*)\]")
PLACE = re.compile(r"P-(\d+(?:\.\d+)?)$")
DEFINITION = re.compile(r"^(?:#+[ ]|[-*][ ]|\|[ ]?)?[ ]*\**\[P-(\d+\.\d+)\]", re.M)
# The gate's own tests and sources quote citations that are wrong on purpose.
NOT_CITING = ("tools/lint/", "tests/lint/")
# A document that explains the form writes [P-x.y]; code may not.
FORM = "P-x.y"


def _definitions(text, faults):
    lines = {}
    for match in DEFINITION.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match[1] in lines:
            faults.append(f"{SPEC}:{line}: [P-{match[1]}] is already defined in line {lines[match[1]]}")
        else:
            lines[match[1]] = line
    return set(lines)


def _fault(cited, known):
    for place in re.split(r", *| *\.\. *", cited):
        number = PLACE.match(place)
        if not number:
            return f"[{cited}] is not of the form [{FORM}]"
        if number[1] not in known:
            return f"{place} is not in {SPEC}"
    return None


def check(tree):
    faults = []
    sections = _definitions(tree.text(SPEC), faults) if SPEC in tree.paths else set()
    known = sections | {section.split(".")[0] for section in sections}
    for path in tree.text_files():
        if path.startswith(NOT_CITING):
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            for cited in CITATION.findall(line):
                if cited == FORM and path.endswith(".md"):
                    continue
                fault = _fault(cited, known)
                if fault:
                    faults.append(f"{path}:{number}: {fault}")
    return faults
