/* Poseidon2 known answers from the public file, and sponge and node digests from the plain
 * reference in vectors.py. */
#include "tests/base/lines.h"

#include "base/core/poseidon2.h"

static void get_elements(struct td_kb *out, size_t count, char **cursor)
{
    for (size_t i = 0; i < count; i++) {
        const char *field = lines_field(cursor);
        cr_assert_not_null(field);
        cr_assert_eq(td_kb_decode(&out[i], (uint32_t)strtoul(field, NULL, 10)), TD_OK);
    }
}

Test(base_vectors_poseidon2, known_answers)
{
    static char line[LINE_MAX_BYTES];
    size_t permutations = 0, sponges = 0, nodes = 0;
    FILE *f = lines_open();
    while (lines_next(f, line)) {
        char *cursor = line;
        const char *kind = lines_field(&cursor);
        struct td_kb in[160], want[24];
        struct td_p2_digest got;
        if (strncmp(kind, "perm", 4) == 0) {
            size_t width = strcmp(kind, "perm16") == 0 ? 16 : 24;
            get_elements(in, width, &cursor);
            get_elements(want, width, &cursor);
            if (width == 16)
                td_poseidon2_16(in);
            else
                td_poseidon2_24(in);
            cr_expect_eq(memcmp(in, want, width * sizeof in[0]), 0, "%s %zu", kind, permutations);
            permutations++;
            continue;
        }
        enum td_p2_tag tag = (enum td_p2_tag)strtoul(lines_field(&cursor), NULL, 10);
        if (strcmp(kind, "sponge") == 0) {
            size_t count = strtoul(lines_field(&cursor), NULL, 10);
            cr_assert_leq(count, 160);
            get_elements(in, count, &cursor);
            td_p2_hash(&got, tag, in, count);
            sponges++;
        } else {
            struct td_p2_digest l, r;
            get_elements(l.e, 9, &cursor);
            get_elements(r.e, 9, &cursor);
            td_p2_node(&got, tag, &l, &r);
            nodes++;
        }
        get_elements(want, 9, &cursor);
        cr_expect_eq(memcmp(got.e, want, sizeof got.e), 0, "%s tag %d", kind, (int)tag);
    }
    fclose(f);
    printf("Poseidon2: %zu permutations, %zu sponges, %zu nodes\n", permutations, sponges, nodes);
    cr_expect(permutations == 8 && sponges == 49 && nodes == 31);
}
