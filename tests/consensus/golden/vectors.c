/* golden_vectors: write or check tests/consensus/golden, and make seeds for the fuzzers.
 *
 *   golden_vectors --check DIR    compare DIR/<case>.hex with what the fixture encodes to
 *   golden_vectors --regen DIR    write them; look at the diff before committing it
 *   golden_vectors --seeds DIR    write raw bytes: DIR/<case>, DIR/guard_*, DIR/set_*
 *
 * A changed vector is a changed protocol.  */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/guard.h"
#include "tests/consensus/golden/fixture.h"

#define LINE_BYTES 32u

static struct fx f;
static uint8_t bytes[FX_MESSAGE_BYTES_MAX];
static char text[3u * FX_MESSAGE_BYTES_MAX];
static char found[3u * FX_MESSAGE_BYTES_MAX];

static size_t to_hex(size_t len)
{
    static const char DIGIT[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        text[at++] = DIGIT[bytes[i] >> 4];
        text[at++] = DIGIT[bytes[i] & 15];
        if (i % LINE_BYTES == LINE_BYTES - 1 || i + 1 == len)
            text[at++] = '\n';
    }
    return at;
}

static int write_file(const char *dir, const char *name, const char *suffix, const void *data,
                      size_t len)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix);
    FILE *out = fopen(path, "wb");
    if (out == NULL || fwrite(data, 1, len, out) != len || fclose(out) != 0) {
        fprintf(stderr, "%s: cannot write\n", path);
        return 1;
    }
    return 0;
}

static int check_file(const char *dir, const char *name, size_t len)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.hex", dir, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        fprintf(stderr, "%s: missing; golden_vectors --regen writes it\n", path);
        return 1;
    }
    size_t have = fread(found, 1, sizeof found, in);
    fclose(in);
    if (have == len && memcmp(found, text, len) == 0)
        return 0;
    fprintf(stderr, "%s: differs from what the encoder yields\n", path);
    return 1;
}

static int seeds_beyond_messages(const char *dir)
{
    static struct bft_guard g;
    struct bft_msg m;
    int bad = 0;
    bft_guard_init(&g);
    bad |= write_file(dir, "guard_empty", "", bytes, bft_guard_encode(bytes, sizeof bytes, &g));
    fx_build(&f, fx_find("status_full"), &m);
    for (uint32_t i = 0; i < 7; i++) {
        if (bft_guard_admit(&g, &m.u.status.own[i]) == BFT_GUARD_OK)
            bft_guard_keep(&g, &m.u.status.own[i], 7);
    }
    bad |= write_file(dir, "guard_full", "", bytes, bft_guard_encode(bytes, sizeof bytes, &g));
    bad |= write_file(dir, "set_seven", "", bytes, bft_set_encode(bytes, sizeof bytes, &f.set[1]));
    return bad;
}

int main(int argc, char **argv)
{
    if (argc != 3 || (strcmp(argv[1], "--check") != 0 && strcmp(argv[1], "--regen") != 0 &&
                      strcmp(argv[1], "--seeds") != 0)) {
        fprintf(stderr, "usage: golden_vectors --check|--regen|--seeds DIR\n");
        return 2;
    }
    int bad = 0;
    fx_init(&f, NULL, 7, NULL, NULL);
    for (uint32_t i = 0; i < FX_CASE_COUNT; i++) {
        struct bft_msg m;
        fx_build(&f, i, &m);
        size_t len = fx_encode(bytes, &m);
        if (strcmp(argv[1], "--seeds") == 0)
            bad |= write_file(argv[2], FX_CASES[i].name, "", bytes, len);
        else if (strcmp(argv[1], "--regen") == 0)
            bad |= write_file(argv[2], FX_CASES[i].name, ".hex", text, to_hex(len));
        else
            bad |= check_file(argv[2], FX_CASES[i].name, to_hex(len));
    }
    if (strcmp(argv[1], "--seeds") == 0)
        bad |= seeds_beyond_messages(argv[2]);
    return bad;
}
