#!/usr/bin/env python3
"""Every lint gate bites. Method: a clean miniature tree passes all gates; then one violation at a
time is planted in a copy, and the named gate must fail on it, at the planted file, while the clean
tree's files stay unblamed."""
import contextlib
import io
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tools" / "lint"), str(REPOSITORY / "tests" / "lint")]

import run  # noqa: E402
from counted import run_counted  # noqa: E402
from tree import Skip, Tree  # noqa: E402

CLEAN = {
    "base/core/types.h": "#pragma once\n#include <stdint.h>\n\nstruct td_hash {\n    uint8_t bytes[32];\n};\n",
    "base/core/assert.h": '#pragma once\n#include <stdio.h>\n#include <stdlib.h>\n\n#define TD_ASSERT(c)'
                          ' ((c) ? (void)0 : abort())\n',
    "base/host/secp.c": '#include <secp256k1.h>\n#include <stdlib.h>\n\n#include "base/core/types.h"\n',
    "consensus/votes.h": '#pragma once\n#include "base/core/types.h"\n\n/* [P-4.2] malloc, time() and 1.5'
                         ' in a comment are no use of them. */\nint bft_votes(void);\n',
    "consensus/votes.c": '#include "consensus/votes.h"\n\n/* [P-4, P-4.2] */\nint bft_votes(void)\n{\n'
                         '    return 0x1e5 > 3;\n}\n',
    "consensus/votes_internal.h": "#pragma once\n",
    "executor/witness.h": '#pragma once\n#include "base/core/types.h"\n',
    "storage/blocks.c": '#include <sqlite3.h>\n\n#include "base/core/types.h"\n',
    "p2p/frames.c": '#include <event2/event.h>\n#include <sodium.h>\n\n#include "base/host/log.h"\n',
    "prover/prove.c": '#include "executor/rv32/decode.h"\n#include "executor/witness.h"\n',
    "node/main.c": '#include "consensus/votes.h"\n#include "storage/blocks.h"\n#include "td_version.h"\n'
                   '#include "testnet/testnet.h"\n#include "tests/sim/sim.h"\n',
    "testnet/up.c": '#include "node/exit_codes.h"\n',
    "tests/consensus/test_votes.c":
        '#include <criterion/criterion.h>\n#include <sqlite3.h>\n\n#include "consensus/votes.h"\n#include'
        ' "consensus/votes_internal.h"\n\nstatic void holds(void)\n{\n    cr_assert_eq(bft_votes(), 1);\n}\n'
        '\nTest(votes, direct)\n{\n    cr_expect(bft_votes() == 1);\n}\n\nTest(votes, by_helper)\n{\n'
        '    holds();\n}\n\nTest(votes, aborts, .signal = 6)\n{\n    bft_votes();\n}\n',
    "tests/lint/test_tool.py": "class T:\n    def test_it(self):\n        self.assertTrue(1)\n",
    "docs/protocol.md": "# Protocol\n\n## Votes\n\n[P-4.2] A vote counts once.\n\nSee [P-4.2].\n",
    "docs/style.md": "# Style\n\nCitations look like [P-x.y]. See [the protocol](protocol.md#votes).\n",
    "README.md": "# Tandem\n\nRead [the style](docs/style.md) or [below](#more) and `[no](link.md)`.\n\n## More\n",
    "node/codes.h": "#pragma once\n\nenum node_code {\n    NODE_T_DISK = 1201,\n    NODE_T_CLOCK = 1202,\n};\n",
    "node/exit_codes.h": "#pragma once\n\nenum node_exit {\n    NODE_EXIT_OK = 0,\n    NODE_EXIT_USAGE = 64,\n};\n",
    "node/log.c": 'void f(void)\n{\n    stop(s, NODE_T_DISK, "disk");\n    td_log_put(l, &(struct td_log_event){.level'
                  ' = TD_LOG_WARN, .code = NODE_T_CLOCK});\n    TD_LOG(l, TD_LOG_INFO, "node", "fine");\n}\n',
    "docs/codes.md": "# Codes\n\n| 0 | done |\n| 64 | usage |\n\n| T1201 | disk |\n| T1202 | clock |\n",
    "docs/tandem.1": "0\tsuccess\n64\tusage\n",
    ".clang-format": (REPOSITORY / ".clang-format").read_text(),
    "package-lock.json": '{"packages": {"node_modules/x": {"version": "1.0.0"}}}\n',
}

# gate, planted file, its text (None: append to the clean file what follows)
PLANTED = {
    # layers: upward, sideways, to the binary, foreign headers, internals, and ways round the table
    "consensus_includes_storage": ("layers", "consensus/bad.c", '#include "storage/blocks.h"\n'),
    "consensus_includes_base_host": ("layers", "consensus/bad.c", '#include "base/host/log.h"\n'),
    "base_core_includes_base_host": ("layers", "base/core/bad.c", '#include "base/host/log.h"\n'),
    "base_core_includes_consensus": ("layers", "base/core/bad.c", '#include "consensus/votes.h"\n'),
    "base_top_level_is_core": ("layers", "base/bad.h", '#include "base/host/log.h"\n'),
    "siblings_never_meet": ("layers", "storage/bad.c", '#include "p2p/frames.h"\n'),
    "settlement_includes_prover": ("layers", "settlement/bad.c", '#include "prover/prove.h"\n'),
    "prover_includes_executor_inside": ("layers", "prover/bad.c", '#include "executor/block.h"\n'),
    "executor_includes_prover": ("layers", "executor/bad.c", '#include "prover/prove.h"\n'),
    "executor_guest_includes_consensus": ("layers", "executor/guest/bad.c", '#include "consensus/votes.h"\n'),
    "storage_includes_node": ("layers", "storage/bad.c", '#include "node/exit_codes.h"\n'),
    "testnet_includes_storage": ("layers", "testnet/bad.c", '#include "storage/blocks.h"\n'),
    "core_includes_tests": ("layers", "consensus/bad.c", '#include "tests/sim/sim.h"\n'),
    "node_includes_sim_inside": ("layers", "node/bad.c", '#include "tests/sim/network.h"\n'),
    "node_includes_testnet_inside": ("layers", "node/bad.c", '#include "testnet/network.h"\n'),
    "event2_outside_p2p": ("layers", "storage/bad.c", "#include <event2/event.h>\n"),
    "sqlite_outside_storage": ("layers", "node/bad.c", "#include <sqlite3.h>\n"),
    "libpq_outside_storage": ("layers", "prover/bad.c", "#include <libpq-fe.h>\n"),
    "curl_outside_settlement": ("layers", "node/bad.c", "#include <curl/curl.h>\n"),
    "secp256k1_outside_base_host": ("layers", "p2p/bad.c", "#include <secp256k1_recovery.h>\n"),
    "sodium_outside_base_and_p2p": ("layers", "storage/bad.c", "#include <sodium.h>\n"),
    "cuda_outside_prover_cuda": ("layers", "prover/bad.c", "#include <cuda_runtime.h>\n"),
    "internal_header_crosses": ("layers", "node/bad.c", '#include "consensus/votes_internal.h"\n'),
    "internal_header_crosses_in_tests": ("layers", "tests/sim/bad.c", '#include "consensus/votes_internal.h"\n'),
    "include_without_module": ("layers", "consensus/bad.c", '#include "blocks.h"\n'),
    "include_by_dots": ("layers", "consensus/bad.c", '#include "consensus/../storage/blocks.h"\n'),
    "include_in_angles": ("layers", "consensus/bad.c", "#  include <storage/blocks.h>\n"),
    "include_computed": ("layers", "consensus/bad.c", "#include HEADER\n"),
    "include_next": ("layers", "consensus/bad.c", "#include_next <stdint.h>\n"),
    "module_without_a_row": ("layers", "extra/bad.c", "int x;\n"),
    # purity
    "heap": ("purity", "consensus/bad.c", "void *f(void) { return malloc(3); }\n"),
    "heap_by_pointer": ("purity", "consensus/bad.c", "void *(*f)(unsigned long) = calloc;\n"),
    "realloc": ("purity", "base/core/bad.c", "void f(void *p) { p = realloc(p, 1); }\n"),
    "free": ("purity", "executor/bad.c", "void f(void *p) { free (p); }\n"),
    "wall_clock": ("purity", "consensus/bad.c", "long f(void) { return time(0); }\n"),
    "clock_gettime": ("purity", "base/core/bad.c", "void f(void) { clock_gettime(0, 0); }\n"),
    "threads": ("purity", "consensus/bad.c", "void f(void) { pthread_mutex_lock(0); }\n"),
    "printing": ("purity", "consensus/bad.c", 'void f(void) { snprintf(0, 0, "x"); }\n'),
    "float_type": ("purity", "executor/bad.c", "static float x;\n"),
    "double_type": ("purity", "consensus/bad.c", "static long double x;\n"),
    "float_constant": ("purity", "consensus/bad.c", "int f(int a) { return a > 1e3; }\n"),
    "impure_header": ("purity", "consensus/bad.c", "#include <unistd.h>\n"),
    "pure_top_level_of_base": ("purity", "base/bad.c", "void *f(void) { return malloc(3); }\n"),
    # format, spelling
    "badly_formatted": ("format", "consensus/bad.c", "int  f( void ){return 1;}\n"),
    "misspelt_comment": ("spelling", "consensus/bad.c", "/* We re" + "cieve it. */\n"),
    "misspelt_prose": ("spelling", "docs/bad.md", "# Bad\n\nThis is oc" + "cured.\n"),
    # citations
    "unknown_section": ("citations", "consensus/bad.c", "/* [P-4.9] */\n"),
    "unknown_chapter": ("citations", "consensus/bad.c", "/* [P-9] */\n"),
    "unknown_in_list": ("citations", "consensus/bad.c", "/* [P-4.2, P-7.1] */\n"),
    "unknown_end_of_range": ("citations", "consensus/bad.c", "/* [P-4.2 .. P-5.1] */\n"),
    "malformed_citation": ("citations", "consensus/bad.c", "/* [P-4.2b] */\n"),
    "form_in_code": ("citations", "consensus/bad.c", "/* [P-x.y] */\n"),
    "unknown_in_prose": ("citations", "docs/bad.md", "# Bad\n\nBy [P-1.1].\n"),
    "duplicate_section": ("citations", "docs/protocol.md", "# P\n\n[P-4.2] One.\n\n- **[P-4.2]** Two.\n"),
    # length
    "long_file": ("length", "consensus/bad.c", "int x;\n" * 1001),
    "long_with_false_generator": ("length", "consensus/bad.c",
                                  "/* Generated by tools/nowhere.py */\n" + "int x;\n" * 1001),
    # asserts
    "case_without_assertion": ("asserts", "tests/consensus/test_bad.c", "Test(a, b)\n{\n    bft_votes();\n}\n"),
    "case_asserting_in_comment": ("asserts", "tests/consensus/test_bad.c",
                                  "Test(a, b)\n{\n    /* cr_assert(1); */\n}\n"),
    "second_case_without": ("asserts", "tests/consensus/test_bad.c",
                            "Test(a, b)\n{\n    cr_assert(1);\n}\n\nTest(a, c)\n{\n    bft_votes();\n}\n"),
    "helper_without": ("asserts", "tests/consensus/test_bad.c",
                       "static void holds_not(void)\n{\n}\n\nTest(a, c)\n{\n    holds_not();\n}\n"),
    "plain_main_without": ("asserts", "tests/consensus/test_bad.c", "int main(void)\n{\n    return 0;\n}\n"),
    "python_without": ("asserts", "tests/lint/test_bad.py", "def test_x():\n    print(1)\n"),
    # paths
    "work_folder": ("paths", "tools/bad.sh", "cat /wo" "rk/main/x\n"),
    "root_folder": ("paths", "docs/bad.md", "# Bad\n\nSee /roo" "t/x/.\n"),
    "home_folder": ("paths", "consensus/bad.c", '#define P "/ho' 'me/alice/x"\n'),
    "download_host": ("paths", "tools/bad.sh", "get https:/" "/registry.example.org/x\n"),
    "resolved_in_lock": ("paths", "package-lock.json", '{"resolved": "https:/' '/example.org/x.tgz"}\n'),
    # links
    "dead_link": ("links", "docs/bad.md", "# Bad\n\n[x](nowhere.md)\n"),
    "dead_anchor": ("links", "docs/bad.md", "# Bad\n\n[x](style.md#nothing)\n"),
    "dead_reference": ("links", "docs/bad.md", "# Bad\n\n[x]\n\n[x]: nowhere.md\n"),
    "link_out_of_tree": ("links", "docs/bad.md", "# Bad\n\n[x](../../README.md)\n"),
    # codes
    "code_without_row": ("codes", "node/bad.h", "enum e {\n    NODE_T_NEW = 1203,\n};\nint x = NODE_T_NEW;\n"),
    "code_number_twice": ("codes", "p2p/bad.h", "enum e {\n    P2P_T_NEW = 1201,\n};\nint x = P2P_T_NEW;\n"),
    "code_of_five_digits": ("codes", "p2p/bad.h", "enum e {\n    P2P_T_NEW = 12011,\n};\nint x = P2P_T_NEW;\n"),
    "code_logged_twice": ("codes", "p2p/bad.c", "void g(void)\n{\n    stop(s, NODE_T_DISK, 0);\n}\n"),
    "code_never_logged": ("codes", "node/codes.h", "enum e {\n    NODE_T_DISK = 1201,\n    NODE_T_CLOCK = 1202,\n"
                          "    NODE_T_GONE = 1203,\n};\n"),
    "row_without_code": ("codes", "docs/codes.md", "| 0 | a |\n| 64 | b |\n| T1201 | c |\n| T1202 | d |\n| T1203 | e |\n"),
    "row_missing": ("codes", "docs/codes.md", "| 0 | a |\n| 64 | b |\n| T1201 | c |\n"),
    "row_twice": ("codes", "docs/codes.md", "| 0 | a |\n| 64 | b |\n| T1201 | c |\n| T1202 | d |\n| T1202 | e |\n"),
    "exit_code_without_row": ("codes", "docs/codes.md", "| 0 | a |\n| T1201 | c |\n| T1202 | d |\n"),
    "exit_row_without_code": ("codes", "docs/codes.md", "| 0 | a |\n| 64 | b |\n| 65 | x |\n| T1201 | c |\n| T1202 | d |\n"),
    "exit_code_not_in_manual": ("codes", "docs/tandem.1", "0\tsuccess\n"),
    "bare_number_in_event": ("codes", "node/bad.c", "struct td_log_event e = {.level = TD_LOG_WARN, .code = 1201};\n"),
    "bare_number_behind_cast": ("codes", "node/bad.c", "struct td_log_event e = {.code = (uint16_t)(1201u + i)};\n"),
    "bare_number_in_stop": ("codes", "node/bad.c", 'void g(void)\n{\n    shell_stop(s, 70, 1201, "x", "y");\n}\n'),
    "warning_without_code": ("codes", "storage/bad.c", "struct td_log_event e = {.level = TD_LOG_ERROR, .msg = m};\n"),
    "warning_in_short_form": ("codes", "storage/bad.c", 'void g(void)\n{\n    TD_LOG(l, TD_LOG_WARN, "a", "b");\n}\n'),
    "code_cited_and_unknown": ("codes", "docs/bad.md", "# Bad\n\nSee T9999.\n"),
}


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Gates(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        write(self.root, CLEAN)

    def faults(self, gate):
        try:
            return run.importlib.import_module(gate).check(Tree(self.root))
        except Skip as reason:
            self.skipTest(str(reason))

    def test_every_gate_is_planted(self):
        self.assertEqual(set(run.GATES), {gate for gate, _, _ in PLANTED.values()})

    def test_suite_runs_every_gate(self):
        listed = re.search(r"^lint_gates = \[(.*)\]", (REPOSITORY / "tests/lint/meson.build").read_text(), re.M)
        self.assertEqual(re.findall(r"'(\w+)'", listed[1]), run.GATES)

    def test_generated_file_may_be_long(self):
        write(self.root, {"tools/make_table.py": "pass\n",
                          "base/core/table.h": "/* Generated by tools/make_table.py. */\n" + "\n" * 1001})
        self.assertEqual(self.faults("length"), [])

    def test_build_output_is_no_source(self):
        write(self.root, {"build/x/bad.c": "float f;\n", "build-cov/bad.md": "[x](y.md)\n"})
        self.assertNotIn("build/x/bad.c", Tree(self.root).paths)
        self.assertEqual(self.faults("links"), [])

    def test_exit_status_tells_the_verdict(self):
        write(self.root, {"docs/bad.md": "# Bad\n\n[x](nowhere.md)\n"})
        with quiet():
            self.assertEqual(run.main(["--root", str(self.root), "links"]), 1)
            self.assertEqual(run.main(["--root", str(self.root), "length"]), 0)
            self.assertEqual(run.main(["--root", str(self.root)]), 1)


def quiet():
    return contextlib.redirect_stdout(io.StringIO())


def clean_case(gate):
    def test(self):
        self.assertEqual(self.faults(gate), [])
    return test


def planted_case(gate, path, text):
    def test(self):
        write(self.root, {path: text})
        faults = self.faults(gate)
        self.assertTrue(faults, f"{gate} let it pass")
        for fault in faults:
            self.assertIn(path, fault)
    return test


for gate_name in run.GATES:
    setattr(Gates, f"test_clean_tree_passes_{gate_name}", clean_case(gate_name))
for case_name, (gate_name, planted_path, planted_text) in PLANTED.items():
    setattr(Gates, f"test_{gate_name}_refuses_{case_name}",
            planted_case(gate_name, planted_path, planted_text))

if __name__ == "__main__":
    sys.exit(run_counted(__name__))
