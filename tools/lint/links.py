"""Relative links of the documentation lead somewhere: the file exists, and so does the heading after
a `#`. Links to other sites are not followed."""
import posixpath
import re
import urllib.parse

TITLE = "relative links in *.md resolve"

FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"\n]*\")?\s*\)|^\[[^\]\n]+\]:\s*(\S+)", re.M)
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.M)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.I)


def _blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def _anchors(text):
    """The anchors a forge derives from headings: lower case, punctuation dropped, spaces to dashes."""
    anchors = set()
    for heading in HEADING.findall(FENCE.sub(_blank, text)):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (slug if number == 0 else f"{slug}-{number}") in anchors:
            number += 1
        anchors.add(slug if number == 0 else f"{slug}-{number}")
    return anchors


def _fault(tree, path, target):
    name, _, anchor = urllib.parse.unquote(target).partition("#")
    full = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path
    if full.startswith("../") or full.startswith("/"):
        return f"{target} leaves the repository"
    if full not in tree.paths and not any(other.startswith(full + "/") for other in tree.paths):
        return f"{target}: there is no {full}"
    if anchor and full.endswith(".md") and anchor not in _anchors(tree.text(full)):
        return f"{target}: {full} has no heading for #{anchor}"
    return None


def check(tree):
    faults = []
    for path in tree.markdown():
        text = CODE.sub(_blank, FENCE.sub(_blank, tree.text(path)))
        for match in LINK.finditer(text):
            target = match[1] or match[2]
            fault = None if ELSEWHERE.match(target) else _fault(tree, path, target)
            if fault:
                faults.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {fault}")
    return faults
