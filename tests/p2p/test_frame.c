/* p2p/frame: sizes around every boundary, lying lengths, and tampering at every byte. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "p2p/frame.h"

static void ciphers(struct p2p_cipher *send, struct p2p_cipher *receive)
{
    *send = (struct p2p_cipher){.key = {9}, .keyed = true};
    *receive = *send;
}

/* Receive one frame from wire[len] as a shell would, piece by piece.  *used is what was read. */
static enum td_error receive(struct p2p_frame_in *f, const uint8_t *wire, size_t len, uint8_t *body,
                             size_t *body_len, size_t *used)
{
    bool complete = false;
    *used = 0;
    cr_assert_leq(P2P_FRAME_HEAD_BYTES, len);
    enum td_error err = p2p_frame_head(f, wire);
    *used = P2P_FRAME_HEAD_BYTES;
    *body_len = f->body_bytes;
    while (err == TD_OK && !complete) {
        size_t want = p2p_frame_want(f);
        cr_assert_leq(want, len - *used);
        err = p2p_frame_piece(f, body, wire + *used, &complete);
        *used += want;
    }
    return err;
}

Test(frame, round_trip_around_every_boundary)
{
    static const size_t sizes[] = {1,
                                   2,
                                   P2P_FRAME_PIECE_BYTES - 1u,
                                   P2P_FRAME_PIECE_BYTES,
                                   P2P_FRAME_PIECE_BYTES + 1u,
                                   3u * P2P_FRAME_PIECE_BYTES,
                                   TD_FRAME_BYTES_MAX - 1u,
                                   TD_FRAME_BYTES_MAX};
    struct p2p_cipher send, back;
    struct p2p_frame_in in;
    uint8_t *body = malloc(TD_FRAME_BYTES_MAX), *got = malloc(TD_FRAME_BYTES_MAX);
    uint8_t *wire = malloc(p2p_frame_sealed_bytes(TD_FRAME_BYTES_MAX));
    cr_assert(body != NULL && got != NULL && wire != NULL);
    for (size_t i = 0; i < TD_FRAME_BYTES_MAX; i++)
        body[i] = (uint8_t)(i * 7u + i / 251u);
    ciphers(&send, &back);
    p2p_frame_in_init(&in, &back, TD_FRAME_BYTES_MAX);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        size_t len, used, sealed = p2p_frame_sealed_bytes(sizes[k]);
        p2p_frame_seal(&send, wire, td_bytes_of(body, sizes[k]));
        cr_assert_eq(receive(&in, wire, sealed, got, &len, &used), TD_OK);
        cr_assert(len == sizes[k] && used == sealed);
        cr_assert_eq(memcmp(got, body, len), 0);
        cr_assert_eq(p2p_frame_want(&in), P2P_FRAME_HEAD_BYTES);
    }
    free(body);
    free(got);
    free(wire);
}

Test(frame, length_beyond_the_limit_is_refused_before_a_body)
{
    static const struct {
        uint8_t head[4];
        uint32_t limit;
        enum td_error want;
    } cases[] = {{{0, 0, 0, 0}, 1024, TD_E_LIMIT},
                 {{0, 0, 4, 0}, 1024, TD_OK},
                 {{0, 0, 4, 1}, 1024, TD_E_LIMIT},
                 {{0, 0x40, 0, 0}, TD_FRAME_BYTES_MAX, TD_OK},
                 {{0, 0x40, 0, 1}, TD_FRAME_BYTES_MAX, TD_E_LIMIT},
                 {{0xFF, 0xFF, 0xFF, 0xFF}, TD_FRAME_BYTES_MAX, TD_E_LIMIT}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct p2p_cipher send, back;
        struct p2p_frame_in in;
        uint8_t wire[P2P_FRAME_HEAD_BYTES], body[1];
        bool complete;
        ciphers(&send, &back);
        p2p_frame_in_init(&in, &back, cases[k].limit);
        p2p_cipher_seal(&send, wire, cases[k].head, 4);
        cr_assert_eq(p2p_frame_head(&in, wire), cases[k].want, "case %zu", k);
        if (cases[k].want == TD_OK)
            continue;
        cr_assert_eq(in.body_bytes, 0);
        cr_assert_eq(p2p_frame_head(&in, wire), cases[k].want);
        cr_assert_eq(p2p_frame_piece(&in, body, wire, &complete), cases[k].want);
    }
}

Test(frame, any_flipped_bit_is_refused)
{
    uint8_t wire[P2P_FRAME_HEAD_BYTES + 8u + P2P_NOISE_TAG_BYTES];
    for (size_t at = 0; at < sizeof wire; at++) {
        struct p2p_cipher send, back;
        struct p2p_frame_in in;
        uint8_t body[8];
        size_t len, used;
        ciphers(&send, &back);
        p2p_frame_in_init(&in, &back, 1024);
        p2p_frame_seal(&send, wire, td_bytes_of("8 bytes.", 8));
        wire[at] ^= (uint8_t)(1u << at % 8u);
        cr_assert_eq(receive(&in, wire, sizeof wire, body, &len, &used), TD_E_MALFORMED);
        cr_assert_eq(used, at < P2P_FRAME_HEAD_BYTES ? P2P_FRAME_HEAD_BYTES : sizeof wire);
    }
}
