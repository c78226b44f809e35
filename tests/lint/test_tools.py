#!/usr/bin/env python3
"""The tools that decide whether a change is good: tools/run_tests.py (counting) and tools/deps.sh.
Method: planted test reports, each with the tally it must give; then a miniature meson project with a
real Criterion program that passes, fails, crashes, hangs and skips, run end to end."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / "tools"
sys.path[:0] = [str(TOOLS), str(REPOSITORY / "tests" / "lint")]

import run_tests  # noqa: E402
from counted import run_counted  # noqa: E402


def criterion(planned, *lines, passing=0, failing=0, crashing=0):
    """What Criterion 2.4.1 logs at verbosity 1, in one suite."""
    return "\n".join([f"[====] Running {planned} tests from m:", *lines,
                      f"[====] Synthesis: Tested: {passing + failing} | Passing: {passing} | Failing:"
                      f" {failing} | Crashing: {crashing} ", ""])


NO_VECTORS = "[SKIP] rlp::vectors: no vectors in ../shared/vectors"
DISABLED = "[SKIP] rlp::later: Test is disabled"

# name: (is Criterion, meson's result, stdout, stderr, (passed, failed, skipped))
REPORTS = {
    "criterion_passes": (True, "OK", "", criterion(3, passing=3), (3, 0, 0)),
    "criterion_two_suites": (True, "OK", "", "[====] Running 2 tests from a:\n" + criterion(3, passing=5),
                             (5, 0, 0)),
    "criterion_program_in_two_builds": (True, "OK", "", criterion(3, passing=3) +
                                        criterion(3, passing=2, failing=1), (5, 1, 0)),
    "criterion_second_build_lost_a_case": (True, "OK", "", criterion(3, passing=3) +
                                           criterion(3, passing=2), (5, 1, 0)),
    "criterion_output_without_line_end": (True, "OK", "", "debug" + criterion(1, passing=1), (1, 0, 0)),
    "criterion_fails": (True, "FAIL", "", criterion(3, passing=1, failing=2, crashing=1), (1, 2, 0)),
    "criterion_skips_with_reason": (True, "OK", "", criterion(3, NO_VECTORS, passing=2), (2, 0, 1)),
    "criterion_disabled_without_reason": (True, "OK", "", criterion(3, DISABLED, passing=2), (2, 1, 0)),
    "criterion_dies_before_report": (True, "FAIL", "", "[====] Running 2 tests from m:\n", (0, 1, 0)),
    "criterion_exits_0_without_report": (True, "OK", "", "", (0, 1, 0)),
    "criterion_times_out": (True, "TIMEOUT", "", "", (0, 1, 0)),
    "criterion_fails_after_clean_report": (True, "FAIL", "", criterion(2, passing=2), (2, 1, 0)),
    "criterion_loses_a_case": (True, "OK", "", criterion(3, passing=2), (2, 1, 0)),
    "criterion_without_cases": (True, "OK", "", criterion(0), (0, 1, 0)),
    "criterion_lies_with_exit_0": (True, "OK", "", criterion(2, passing=1, failing=1), (1, 1, 0)),
    "plain_passes": (False, "OK", "all good\n", "", (1, 0, 0)),
    "plain_fails": (False, "FAIL", "", "", (0, 1, 0)),
    "plain_times_out": (False, "TIMEOUT", "", "", (0, 1, 0)),
    "plain_error": (False, "ERROR", "", "", (0, 1, 0)),
    "plain_interrupted": (False, "INTERRUPT", "", "", (0, 1, 0)),
    "plain_unexpected_pass": (False, "UNEXPECTEDPASS", "", "", (0, 1, 0)),
    "plain_skips_with_reason": (False, "SKIP", "SKIP no vectors\n", "", (0, 0, 1)),
    "plain_skips_without_reason": (False, "SKIP", "bye\n", "", (0, 1, 0)),
    "reporting_passes": (False, "OK", "x\n5 passed, 0 failed, 0 skipped\n", "", (5, 0, 0)),
    "reporting_fails": (False, "FAIL", "4 passed, 1 failed, 0 skipped\n", "", (4, 1, 0)),
    "reporting_last_line_counts": (False, "OK", "9 passed, 9 failed, 0 skipped\n"
                                   "2 passed, 0 failed, 0 skipped\n", "", (2, 0, 0)),
    "reporting_skips_with_reason": (False, "OK", "SKIP a: no spin\n1 passed, 0 failed, 1 skipped\n", "",
                                    (1, 0, 1)),
    "reporting_skips_without_reason": (False, "OK", "1 passed, 0 failed, 1 skipped\n", "", (1, 1, 0)),
    "reporting_nothing": (False, "OK", "0 passed, 0 failed, 0 skipped\n", "", (0, 1, 0)),
    "reporting_crashes_after_report": (False, "FAIL", "5 passed, 0 failed, 0 skipped\n", "", (5, 1, 0)),
}


class Tallies(unittest.TestCase):
    """One test per row of REPORTS, made below."""


def report_case(is_criterion, result, out, err, expected):
    def test(self):
        entry = {"name": "x", "result": result, "stdout": out, "stderr": err, "returncode": 0}
        tally = run_tests.tally_test(entry, is_criterion)
        self.assertEqual((tally.passed, tally.failed, tally.skipped), expected)
        self.assertEqual(len(tally.reasons), expected[2])
        self.assertEqual(bool(tally.problems), expected[1] > 0)
    return test


for report_name, row in REPORTS.items():
    setattr(Tallies, f"test_{report_name}", report_case(*row))

CASES = {
    "good": "Test(m, a) { cr_assert(1); }\nTest(m, b) { cr_assert(1); }\n"
            'Test(m, c) { cr_skip_test("no data in %s", "here"); }\n',
    "bad": "Test(m, a) { cr_assert(1); }\nTest(m, b) { cr_assert(0); }\n"
           "Test(m, c) { abort(); }\nTest(m, d, .timeout = 1) { for (;;) { } }\n",
    "dead": "__attribute__((constructor)) static void die(void) { abort(); }\nTest(m, a) { cr_assert(1); }\n",
}
PROJECT = "project('mini', 'c')\ncriterion = dependency('criterion')\n"


class EndToEnd(unittest.TestCase):
    """run_tests.py on a meson project of its own."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)

    def run_project(self, meson_build, *arguments):
        (self.root / "meson.build").write_text(meson_build)
        setup = subprocess.run(["meson", "setup", "build"], cwd=self.root, capture_output=True, text=True,
                               check=False)
        if "criterion" in meson_build and 'Dependency "criterion" not found' in setup.stdout:
            self.skipTest("Criterion is not installed")
        self.assertEqual(setup.returncode, 0, setup.stdout)
        done = subprocess.run([sys.executable, str(TOOLS / "run_tests.py"), "--build", "build", *arguments],
                              cwd=self.root, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def criterion_project(self, *names):
        text = PROJECT
        for name in names:
            (self.root / f"{name}.c").write_text("#include <criterion/criterion.h>\n#include <stdlib.h>\n"
                                                 + CASES[name])
            text += f"test('{name}', executable('{name}', '{name}.c', dependencies: criterion))\n"
        return text

    def test_good_program_counts_cases_and_prints_the_reason(self):
        status, out = self.run_project(self.criterion_project("good"))
        self.assertEqual(out.splitlines()[-1], "2 passed, 0 failed, 1 skipped")
        self.assertIn("skipped: good m::c: no data in here", out)
        self.assertEqual(status, 0)

    def test_failing_crashing_and_dead_programs_fail(self):
        status, out = self.run_project(self.criterion_project("good", "bad", "dead"))
        self.assertEqual(out.splitlines()[-1], "3 passed, 4 failed, 1 skipped")
        self.assertEqual(status, 1)

    def test_program_behind_a_wrapper_is_counted(self):
        project = self.criterion_project("good", "dead").replace(
            "test('good', ", "test('good', find_program('env'), args: ").replace(
            "test('dead', ", "test('dead', find_program('env'), args: ")
        status, out = self.run_project(project)
        self.assertEqual(out.splitlines()[-1], "2 passed, 1 failed, 1 skipped")
        self.assertIn("dead: FAIL: died before Criterion's synthesis line", out)
        self.assertEqual(status, 1)

    def test_no_test_at_all_fails(self):
        status, out = self.run_project("project('mini', 'c')\n")
        self.assertEqual(out.splitlines()[-1], "0 passed, 1 failed, 0 skipped")
        self.assertEqual(status, 1)

    def test_everything_skipped_fails(self):
        status, out = self.run_project(
            "project('mini', 'c')\ntest('s', find_program('sh'), args: ['-c', 'echo SKIP no data; exit 77'])\n")
        self.assertEqual(out.splitlines()[-1], "0 passed, 1 failed, 1 skipped")
        self.assertEqual(status, 1)

    def test_hanging_program_fails(self):
        status, out = self.run_project(
            "project('mini', 'c')\ntest('s', find_program('sleep'), args: '60', timeout: 1)\n")
        self.assertEqual(out.splitlines()[-1], "0 passed, 1 failed, 0 skipped")
        self.assertEqual(status, 1)

    def test_suites_select(self):
        project = ("project('mini', 'c')\ntest('a', find_program('true'), suite: 'a')\n"
                   "test('b', find_program('false'), suite: 'b')\n")
        status, out = self.run_project(project, "--suite", "a")
        self.assertEqual((status, out.splitlines()[-1]), (0, "1 passed, 0 failed, 0 skipped"))

    def test_broken_build_fails(self):
        (self.root / "x.c").write_text("int main(void) { return nothing; }\n")
        status, out = self.run_project("project('mini', 'c')\ntest('x', executable('x', 'x.c'))\n")
        self.assertEqual(out.splitlines()[-1], "0 passed, 1 failed, 0 skipped")
        self.assertEqual(status, 1)


class Deps(unittest.TestCase):
    """tools/deps.sh on a PATH that holds only what the test puts there."""

    def setUp(self):
        self.bin = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.bin)
        for name in ("bash", "tr", "grep", "mktemp", "rm", "env", "cat"):
            (self.bin / name).symlink_to(shutil.which(name))

    def script(self, name, text):
        (self.bin / name).write_text(f"#!{shutil.which('bash')}\n{text}\n")
        (self.bin / name).chmod(0o755)

    def deps(self, *arguments):
        return subprocess.run([shutil.which("bash"), str(TOOLS / "deps.sh"), *arguments],
                              env={"PATH": str(self.bin)}, capture_output=True, text=True, check=False)

    def test_without_apt_get_three_lines_say_what_to_do(self):
        done = self.deps("lint")
        self.assertEqual(done.returncode, 69)
        self.assertEqual(len(done.stderr.splitlines()), 3, done.stderr)
        self.assertIn("codespell", done.stderr.splitlines()[-1])

    def test_without_root_and_sudo_it_says_so(self):
        self.script("apt-get", "exit 0")
        self.script("id", "echo 1000")
        done = self.deps("lint")
        self.assertEqual(done.returncode, 69)
        self.assertIn("sudo", done.stderr)

    def test_user_goes_through_sudo(self):
        self.script("id", "echo 1000")
        self.script("apt-get", "exit 1")
        self.script("sudo", f'echo "$@" >>{self.bin}/calls; exit 1')
        self.assertEqual(self.deps("lint").returncode, 69)
        self.assertIn("apt-get update", (self.bin / "calls").read_text())

    def test_installs_only_what_is_missing(self):
        for name in ("python3", "git", "clang-format"):
            self.script(name, "exit 0")
        self.script("id", "echo 0")
        self.script("apt-get", f'echo "$@" >>{self.bin}/calls; printf "#!{self.bin}/bash\\n" '
                               f'>{self.bin}/codespell; chmod +x {self.bin}/codespell')
        (self.bin / "chmod").symlink_to(shutil.which("chmod"))
        done = self.deps("lint")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.bin / "calls").read_text(), "install -y --no-install-recommends codespell\n")
        self.assertIn("missing: codespell\n", done.stdout)

    def test_refreshes_lists_when_the_first_try_fails(self):
        for name in ("python3", "git", "clang-format"):
            self.script(name, "exit 0")
        self.script("id", "echo 0")
        self.script("apt-get", f'echo "$1" >>{self.bin}/calls\n[ "$1" = update ] && exit 0\n'
                               f'[ "$(grep -c install {self.bin}/calls)" = 2 ] || exit 100\n'
                               f'printf "#!{self.bin}/bash\\n" >{self.bin}/codespell; chmod +x {self.bin}/codespell')
        (self.bin / "chmod").symlink_to(shutil.which("chmod"))
        self.assertEqual(self.deps("lint").returncode, 0)
        self.assertEqual((self.bin / "calls").read_text(), "install\nupdate\ninstall\n")

    def test_nothing_missing_touches_nothing(self):
        for name in ("python3", "git", "clang-format", "codespell"):
            self.script(name, "exit 0")
        done = self.deps("lint")
        self.assertEqual((done.returncode, done.stdout), (0, "deps: everything is here\n"))

    def test_unknown_set_is_a_usage_error(self):
        self.assertEqual(self.deps("everything").returncode, 64)


if __name__ == "__main__":
    sys.exit(run_counted(__name__))
