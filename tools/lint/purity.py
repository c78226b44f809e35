"""consensus/, executor/ and base/core compute only: no heap, clock, thread, I/O, randomness or
floating point. What a pure module cannot name it cannot use by accident."""
import re

from tree import code_only, line_of, without_comments

TITLE = "pure modules use no heap, clock, thread, I/O or floating point"

PURE = ("consensus/", "executor/", "base/")
NOT_PURE = "base/host/"
# The assertion prints and aborts: the one place where a pure module meets the C library.
ASSERT = re.compile(r"^base/(core/)?assert\.[ch]$")

HEADERS = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "stdalign.h", "stdnoreturn.h", "limits.h",
           "iso646.h", "string.h", "inttypes.h"}
# Words nobody uses for anything else, and words that are only suspect when called.
WORDS = re.compile(
    r"\b(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|alloca|mmap|strdup|strndup"
    r"|clock_gettime|gettimeofday|clock_nanosleep|nanosleep|usleep|localtime|gmtime|mktime|strftime"
    r"|pthread_\w+|thrd_\w+|mtx_\w+|cnd_\w+|_Thread_local|_Atomic|atomic_\w+"
    r"|v?(?:f|s|sn|d|as)?printf|puts|fputs|putchar|fputc|v?f?scanf|perror|fopen|fwrite|fread|fflush"
    r"|stdin|stdout|stderr|getenv|getrandom|arc4random\w*|float|double|setjmp|longjmp)\b")
CALLS = re.compile(r"\b(free|time|clock|rand|random|srand|read|write|open|close|socket|send|recv"
                   r"|sleep|abort|exit|system|fork|signal|qsort)\s*\(")
FLOATS = re.compile(r"(?<![\w.])(?:\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+|\d+[eE][+-]?\d+)[fFlL]?(?!\w)")
SYSTEM_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<([^>\n]*)>", re.M)


def is_pure(path):
    return path.startswith(PURE) and not path.startswith(NOT_PURE) and not ASSERT.match(path)


def _called(code, match):
    """False for a member such as `x->free(…)`: that is the module's own function."""
    before = code[:match.start()].rstrip(" ")
    return not before.endswith(("->", "."))


def check(tree):
    faults = []
    for path in filter(is_pure, tree.c_files()):
        text = tree.text(path)
        code = code_only(text)
        found = [(m.start(), f"`{m[1]}` in a pure module") for m in WORDS.finditer(code)]
        found += [(m.start(), f"`{m[1]}()` in a pure module")
                  for m in CALLS.finditer(code) if _called(code, m)]
        found += [(m.start(), f"floating-point constant `{m[0]}` in a pure module")
                  for m in FLOATS.finditer(code)]
        found += [(m.start(), f"<{m[1]}> in a pure module")
                  for m in SYSTEM_INCLUDE.finditer(without_comments(text)) if m[1] not in HEADERS]
        faults += [f"{path}:{line_of(code, at)}: {what}" for at, what in sorted(found)]
    return faults
