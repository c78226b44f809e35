"""A test that cannot fail is a defect: every Criterion case and every Python test method must reach
an assertion, directly or through a helper under tests/."""
import ast
import re

from tree import code_only, line_of

TITLE = "every test asserts something"

ASSERTION = re.compile(r"\b(?:cr_(?:assert|expect|fail|fatal)\w*|TD_ASSERT\w*|assert)\s*\(")
CASE = re.compile(r"^(?:Test|Theory|ParameterizedTest)\s*\(", re.M)
# A case that expects the abort of an assertion, or an exit status, asserts by that expectation.
EXPECTED_END = re.compile(r"\.\s*(?:signal|exit_code)\s*=")
# A function or a function-like macro that may hold assertions.
FUNCTION = re.compile(r"^(?:[A-Za-z_][\w \t*]*[ \t*])(\w+)\s*\([^;{}]*\)\s*\{", re.M)
MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(((?:\\\n|[^\n])*)", re.M)
CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")


def _matching(code, start, opening, closing):
    """Offset just past the bracket that closes the one at `start`."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] == opening:
            depth += 1
        elif code[at] == closing:
            depth -= 1
            if depth == 0:
                return at + 1
    return len(code)


def _cases(code):
    for match in CASE.finditer(code):
        head_end = _matching(code, match.end() - 1, "(", ")")
        body = code.find("{", head_end)
        if body >= 0:
            yield match.start(), code[match.start():head_end], code[body:_matching(code, body, "{", "}")]


def _helpers(codes):
    """Names of functions and macros that assert, closed over calls between them."""
    bodies = {}
    for code in codes:
        for match in FUNCTION.finditer(code):
            body = code[match.end() - 1:_matching(code, match.end() - 1, "{", "}")]
            bodies[match[1]] = bodies.get(match[1], "") + body
        for match in MACRO.finditer(code):
            bodies[match[1]] = bodies.get(match[1], "") + match[2]
    asserting = {name for name, body in bodies.items() if ASSERTION.search(body)}
    grown = True
    while grown:
        more = {name for name, body in bodies.items()
                if name not in asserting and asserting & set(CALL.findall(body))}
        asserting |= more
        grown = bool(more)
    return asserting


def _c_faults(tree):
    codes = {path: code_only(tree.text(path)) for path in tree.c_files() if path.startswith("tests/")}
    helpers = _helpers(codes.values())

    def asserts(body):
        return ASSERTION.search(body) or helpers & set(CALL.findall(body))

    for path, code in codes.items():
        if not path.rsplit("/", 1)[-1].startswith("test_") or not path.endswith(".c"):
            continue
        cases = list(_cases(code))
        if not cases and not asserts(code):
            yield f"{path}:1: a test file without an assertion"
        for start, head, body in cases:
            if not asserts(body) and not EXPECTED_END.search(head):
                yield f"{path}:{line_of(code, start)}: {' '.join(head.split())} asserts nothing"


def _python_calls(node):
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            target = call.func
            yield target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def _python_faults(tree):
    for path in tree.paths:
        if not (path.startswith("tests/") and path.endswith(".py")
                and path.rsplit("/", 1)[-1].startswith("test_")):
            continue
        functions = [node for node in ast.walk(ast.parse(tree.text(path)))
                     if isinstance(node, ast.FunctionDef)]
        asserting = {node.name for node in functions
                     if any(name.startswith(("assert", "fail")) for name in _python_calls(node))
                     or any(isinstance(inner, ast.Assert) for inner in ast.walk(node))}
        for node in functions:
            if node.name.startswith("test") and node.name not in asserting \
                    and not asserting & set(_python_calls(node)):
                yield f"{path}:{node.lineno}: {node.name} asserts nothing"


def check(tree):
    return list(_c_faults(tree)) + list(_python_faults(tree))
