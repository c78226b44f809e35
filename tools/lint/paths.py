"""The tree must mean the same on every machine: no absolute path of one machine, no download host,
and no resolved address in a package lock (the client's own configuration decides where it fetches)."""
import re

TITLE = "no machine path, no download host"

# Spelt in pieces, or this file would be its own violation.
MACHINE = re.compile(r"(?<![\w.~$}*-])/(?:" + "work|root|home/[a-z]" + r"[\w-]*)/")
HOST = re.compile(r"\bhttps?:/" r"/(?:registry|deb|ftp|mirrors?|downloads?|dl|files|packages|archive)[.\d-]", re.I)
LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
RESOLVED = re.compile(r'"resolved"\s*:\s*"\w+:/')
# Planted violations live in the gates' own tests.
PLANTED = "tests/lint/test_gates.py"


def check(tree):
    faults = []
    for path in tree.text_files():
        if path == PLANTED:
            continue
        rules = [(MACHINE, "a path of one machine"), (HOST, "a download host")]
        if path.endswith(LOCKS):
            rules.append((RESOLVED, "a resolved address; npm install --omit-lockfile-registry-resolved"))
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            faults += [f"{path}:{number}: {what}" for rule, what in rules if rule.search(line)]
    return faults
