"""What every gate needs: the files of the tree, and C with comments and strings blanked out."""
import os
import pathlib
import re
import subprocess

C_SUFFIXES = {".c", ".h", ".cu", ".cuh"}
TEXT_SUFFIXES = C_SUFFIXES | {".md", ".py", ".sh", ".pml", ".build", ".txt", ".json", ".toml", ".js",
                              ".ts", ".sol", ".sql", ".html", ".in", ".csv", ".yml"}
TEXT_NAMES = {"Makefile", "LICENSE", ".gitignore", ".clang-format", ".clang-tidy", ".codespellrc"}


class Skip(Exception):
    """A gate cannot judge on this machine; the text says why."""


class Tree:
    """A source tree: the files git knows or would add, without build output."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.paths = sorted(self._git_paths() or self._walk_paths())
        self._texts = {}

    def _git_paths(self):
        if not (self.root / ".git").exists():
            return None
        listing = subprocess.run(
            ["git", "-C", str(self.root), "-c", f"safe.directory={self.root}", "ls-files", "-z",
             "--cached", "--others", "--exclude-standard"],
            capture_output=True, check=False)
        if listing.returncode != 0:
            return None
        names = {name for name in listing.stdout.decode().split("\0") if name}
        return [name for name in names if (self.root / name).is_file()]

    def _walk_paths(self):
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders
                          if f not in (".git", "node_modules", "__pycache__")
                          and not (pathlib.Path(folder) == self.root and f.startswith("build"))]
            found += [str((pathlib.Path(folder) / name).relative_to(self.root)) for name in names]
        return found

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def c_files(self):
        return [path for path in self.paths if pathlib.PurePath(path).suffix in C_SUFFIXES]

    def text_files(self):
        return [path for path in self.paths
                if pathlib.PurePath(path).suffix in TEXT_SUFFIXES
                or pathlib.PurePath(path).name in TEXT_NAMES or path == ".ci/run"]

    def markdown(self):
        return [path for path in self.paths if path.endswith(".md")]


_BLANKED = re.compile(
    r'/\*.*?(?:\*/|\Z)|//(?:\\\n|[^\n])*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def _blank(match):
    text = match[0]
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[-1]
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """C source with the content of comments, strings and characters replaced by spaces; line and
    column of everything else stay."""
    return _BLANKED.sub(_blank, text)


_COMMENT = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(/\*.*?(?:\*/|\Z)|//(?:\\\n|[^\n])*)', re.S)


def without_comments(text):
    """C source with comments blanked and strings kept, which #include needs."""
    return _COMMENT.sub(lambda m: _blank(m) if m[1] else m[0], text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
