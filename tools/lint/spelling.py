"""codespell finds no misspelt word. Words it wrongly doubts stand in tools/lint/words.txt, one a
line, in lower case."""
import pathlib
import shutil
import subprocess

TITLE = "codespell finds no misspelt word"
WORDS = pathlib.Path(__file__).with_name("words.txt")
# Data nobody typed.
NOT_PROSE = ("package-lock.json", ".json", ".csv", ".pem", ".hex")


def check(tree):
    tool = shutil.which("codespell")
    if tool is None:
        return ["codespell is missing: run `make deps`"]
    files = [path for path in tree.text_files() if not path.endswith(NOT_PROSE)]
    faults = []
    for start in range(0, len(files), 200):
        done = subprocess.run([tool, "--ignore-words", str(WORDS), *files[start:start + 200]],
                              cwd=tree.root, capture_output=True, text=True, check=False)
        faults += done.stdout.splitlines()
        if done.returncode != 0 and not done.stdout:
            faults.append(done.stderr.strip() or f"codespell exited {done.returncode}")
    return faults
