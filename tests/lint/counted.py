"""unittest, closed by the line that tools/run_tests.py counts."""
import sys
import unittest


def run_counted(module):
    """Run the module's tests; print "SKIP name: reason" per skip and the closing line; return the
    exit status."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[module])
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=1).run(suite)
    for case, reason in result.skipped:
        print(f"SKIP {case.id()}: {reason}")
    bad = {case.id().split(" (")[0] for case, _ in result.failures + result.errors}
    bad |= {case.id() for case in result.unexpectedSuccesses}
    # A failed class set-up is an error of its own that testsRun does not count.
    passed = max(0, result.testsRun - len(bad) - len(result.skipped))
    print(f"{passed} passed, {len(bad)} failed, {len(result.skipped)} skipped")
    return 0 if result.wasSuccessful() else 1
