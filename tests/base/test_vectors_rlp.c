/* RLP against Ethereum's public RLPTests: what it encodes must encode to the same bytes and verify,
 * what it calls invalid must be refused. */
#include "tests/base/lines.h"

#include "base/core/rlp.h"

#define DEPTH_MAX 16u

/* Write the value that S: N: [ ] describe. */
static void put_ops(struct td_writer *w, char **cursor)
{
    size_t begins[DEPTH_MAX];
    size_t depth = 0;
    for (char *op = lines_field(cursor); op != NULL; op = lines_field(cursor)) {
        static uint8_t data[8192];
        struct td_wei number;
        if (op[0] == '[') {
            cr_assert_lt(depth, DEPTH_MAX);
            begins[depth++] = td_rlp_list_begin(w);
        } else if (op[0] == ']') {
            td_rlp_list_end(w, begins[--depth]);
        } else if (op[0] == 'S') {
            size_t len = lines_hex(data, sizeof data, op[2] == '\0' ? "-" : op + 2);
            td_rlp_put_bytes(w, data, len);
        } else {
            cr_assert_eq(td_wei_parse(&number, op + 2, strlen(op + 2)), TD_OK, "%s", op);
            td_rlp_put_wei(w, &number);
        }
    }
    cr_assert_eq(depth, 0);
}

Test(base_vectors_rlp, public_suite)
{
    static char line[LINE_MAX_BYTES];
    static uint8_t raw[8192], made[8192];
    size_t ends[DEPTH_MAX];
    size_t encoded = 0, valid = 0, invalid = 0;
    FILE *f = lines_open();
    while (lines_next(f, line)) {
        char *cursor = line;
        const char *name = lines_field(&cursor);
        const char *kind = lines_field(&cursor);
        struct td_bytes want = td_bytes_of(raw, lines_hex(raw, sizeof raw, lines_field(&cursor)));
        enum td_error verdict = td_rlp_verify(want, ends, DEPTH_MAX);
        if (strcmp(kind, "INVALID") == 0) {
            cr_expect_neq(verdict, TD_OK, "%s", name);
            cr_expect_neq(verdict, TD_E_LIMIT, "%s", name);
            invalid++;
            continue;
        }
        cr_expect_eq(verdict, TD_OK, "%s", name);
        if (strcmp(kind, "VALID") == 0) {
            valid++;
            continue;
        }
        struct td_writer w;
        td_writer_init(&w, made, sizeof made);
        put_ops(&w, &cursor);
        cr_expect_eq(w.err, TD_OK, "%s", name);
        cr_expect(td_bytes_eq(td_bytes_of(made, w.len), want), "%s", name);
        encoded++;
    }
    fclose(f);
    printf("RLP: %zu encoded, %zu valid, %zu invalid\n", encoded, valid, invalid);
    cr_expect_geq(encoded, 20);
    cr_expect_geq(invalid, 20);
    cr_expect_geq(valid, 1);
}
