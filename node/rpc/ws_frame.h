/* WebSocket frames as bytes: RFC 6455 section 5, the side that receives from clients.  Pure.
 *
 *     offset  bytes    what
 *     0       1        FIN, RSV1..3 (zero), opcode
 *     1       1        MASK (one), length 0..125, 126 or 127
 *     2       0, 2, 8  length, big-endian, in the shortest form
 *     ..      4        masking key
 *     ..      length   payload, masked
 *
 * 1. Strict: unmasked frames, reserved bits and opcodes, longer forms of a length, control frames
 *    in fragments or above 125 bytes are protocol errors (1002).
 * 2. A message's size is compared with the limit at each frame's head, before its payload (1009).
 * 3. Text is checked as UTF-8 while it arrives, across fragments (1007).
 * 4. Binary messages are refused (1003): JSON is text.
 * 5. After an error or a close every call repeats it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core/types.h"

#define NODE_WS_HEAD_BYTES_MAX 14u
#define NODE_WS_CONTROL_BYTES_MAX 125u

enum node_ws_opcode {
    NODE_WS_CONTINUE = 0,
    NODE_WS_TEXT = 1,
    NODE_WS_BINARY = 2,
    NODE_WS_CLOSE = 8,
    NODE_WS_PING = 9,
    NODE_WS_PONG = 10,
};

enum node_ws_event {
    NODE_WS_MORE,     /* all bytes are taken */
    NODE_WS_DATA,     /* a piece of the message, unmasked */
    NODE_WS_END,      /* the message is whole */
    NODE_WS_GOT_PING, /* data: what the pong repeats */
    NODE_WS_GOT_PONG,
    NODE_WS_GOT_CLOSE, /* code: what to answer with */
    NODE_WS_ERROR,     /* code: why to close */
};

/* A decoder of UTF-8 between two bytes. */
struct node_utf8 {
    uint8_t left;      /* bytes to come */
    uint8_t low, high; /* what the next may be */
};

/* False: not UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing above U+10FFFF). */
bool node_utf8_feed(struct node_utf8 *u, struct td_bytes text);

struct node_ws_in {
    uint64_t limit_bytes;   /* of a message */
    uint64_t message_bytes; /* of the message so far, with what its current frame announces */
    uint64_t left;          /* of the frame's payload */
    uint8_t head[NODE_WS_HEAD_BYTES_MAX];
    uint8_t head_bytes;
    uint8_t mask_at; /* payload bytes so far, modulo 4 */
    uint8_t control_bytes;
    bool in_payload;
    bool in_message; /* a data frame without FIN came before */
    uint16_t ended;  /* close code of an error or a close; 0: open */
    struct node_utf8 utf8;
    uint8_t control[NODE_WS_CONTROL_BYTES_MAX];
};

void node_ws_in_init(struct node_ws_in *w, uint64_t limit_bytes);

/* Take bytes up to the next event.  *used of in[len] are done with; payload is unmasked in place
 * and *data lies in `in` or in w, valid until the next call.  *code for GOT_CLOSE and ERROR. */
enum node_ws_event node_ws_feed(struct node_ws_in *w, struct td_bytes *data, uint16_t *code,
                                uint8_t *in, size_t len, size_t *used);

/* The head of an unmasked, final frame; returns its bytes, at most 10. */
size_t node_ws_head_encode(uint8_t out[NODE_WS_HEAD_BYTES_MAX], enum node_ws_opcode opcode,
                           uint64_t payload_bytes);
