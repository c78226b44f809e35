#define _POSIX_C_SOURCE 200809L /* fileno */
#include "node/exec/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/core/hex.h"

#define DIGITS_MAX 64u /* of a 256-bit number, without leading zeros */

void node_json_init(struct node_json *j, struct td_arena *arena)
{
    *j = (struct node_json){.arena = arena};
}

void node_json_at(struct node_json *j, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(j->path, sizeof j->path, format, args);
    va_end(args);
}

void node_json_fail(struct node_json *j, const char *field, const char *what)
{
    if (!node_json_ok(j))
        return;
    bool both = j->path[0] != '\0' && field != NULL;
    snprintf(j->error, sizeof j->error, "%s%s%.80s%s%s", j->path, both ? "." : "",
             field == NULL ? "" : field, j->path[0] != '\0' || field != NULL ? ": " : "", what);
}

json_t *node_json_parse(struct node_json *j, const char *text, size_t len)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        char what[NODE_JSON_TEXT_BYTES / 2];
        snprintf(what, sizeof what, "%d:%d: %.160s", error.line, error.column, error.text);
        node_json_fail(j, NULL, what);
    }
    return root;
}

/* The whole file; NULL and a complaint when it cannot be read. */
static char *read_file(struct node_json *j, const char *file, size_t *len)
{
    FILE *f = fopen(file, "rb");
    char *text = NULL;
    long size = -1;
    struct stat about;
    *len = 0;
    if (f == NULL) {
        node_json_fail(j, NULL, strerror(errno));
        return NULL;
    }
    if (fstat(fileno(f), &about) == 0 && S_ISREG(about.st_mode) && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size < 0 || fseek(f, 0, SEEK_SET) != 0)
        node_json_fail(j, NULL, "not a regular file");
    else if ((unsigned long)size > NODE_JSON_BYTES_MAX)
        node_json_fail(j, NULL, "larger than 32 MiB");
    else if ((text = malloc((size_t)size + 1)) == NULL)
        node_json_fail(j, NULL, strerror(ENOMEM));
    else if ((*len = fread(text, 1, (size_t)size, f)) != (size_t)size)
        node_json_fail(j, NULL, "cannot be read to its end");
    fclose(f);
    return text;
}

json_t *node_json_read(struct node_json *j, const char *file)
{
    size_t len;
    json_t *root = NULL;
    char *text = read_file(j, file, &len);
    if (text != NULL && node_json_ok(j))
        root = node_json_parse(j, text, len);
    free(text);
    return root;
}

/* ---- fields */

static json_t *field_of(struct node_json *j, const json_t *in, const char *field)
{
    json_t *value = node_json_ok(j) ? json_object_get(in, field) : NULL;
    if (value == NULL)
        node_json_fail(j, field, "missing");
    return value;
}

json_t *node_json_object(struct node_json *j, const json_t *in, const char *field)
{
    json_t *value = field_of(j, in, field);
    if (value != NULL && !json_is_object(value)) {
        node_json_fail(j, field, "not an object");
        return NULL;
    }
    return value;
}

json_t *node_json_array(struct node_json *j, const json_t *in, const char *field)
{
    json_t *value = field_of(j, in, field);
    if (value != NULL && !json_is_array(value)) {
        node_json_fail(j, field, "not an array");
        return NULL;
    }
    return value;
}

/* The field's text, or NULL. */
static const char *text_of(struct node_json *j, const json_t *in, const char *field, size_t *len)
{
    const json_t *value = field_of(j, in, field);
    *len = 0;
    if (value != NULL && !json_is_string(value)) {
        node_json_fail(j, field, "not a string");
        return NULL;
    }
    if (value == NULL)
        return NULL;
    *len = json_string_length(value);
    return json_string_value(value);
}

static void parse_u256(struct node_json *j, const char *field, const char *text, size_t len,
                       struct exec_u256 *out)
{
    char even[DIGITS_MAX + 1];
    uint8_t bytes[DIGITS_MAX / 2];
    size_t count;

    *out = exec_u256_of(0);
    if (len < 3 || text[0] != '0' || text[1] != 'x') {
        node_json_fail(j, field, "not a number like \"0x1f\"");
        return;
    }
    text += 2;
    len -= 2;
    while (len > 1 && text[0] == '0') {
        text++;
        len--;
    }
    if (len > DIGITS_MAX) {
        node_json_fail(j, field, "exceeds 256 bits");
        return;
    }
    even[0] = '0';
    memcpy(even + len % 2, text, len);
    len += len % 2;
    if (td_hex_decode(bytes, sizeof bytes, &count, TD_HEX_BARE, even, len) != TD_OK)
        node_json_fail(j, field, "not a number like \"0x1f\"");
    else
        exec_u256_from_be(out, bytes, count);
}

void node_json_u256(struct node_json *j, const json_t *in, const char *field, struct exec_u256 *out)
{
    size_t len;
    const char *text = text_of(j, in, field, &len);
    *out = exec_u256_of(0);
    if (text != NULL)
        parse_u256(j, field, text, len, out);
}

uint64_t node_json_u64(struct node_json *j, const json_t *in, const char *field)
{
    struct exec_u256 v;
    node_json_u256(j, in, field, &v);
    if (exec_u256_is_u64(&v))
        return v.w[0];
    node_json_fail(j, field, "exceeds 64 bits");
    return 0;
}

uint64_t node_json_opt_u64(struct node_json *j, const json_t *in, const char *field,
                           uint64_t otherwise)
{
    return json_object_get(in, field) == NULL ? otherwise : node_json_u64(j, in, field);
}

void node_json_opt_u256(struct node_json *j, const json_t *in, const char *field,
                        struct exec_u256 *out)
{
    if (json_object_get(in, field) != NULL)
        node_json_u256(j, in, field, out);
}

bool node_json_opt_bool(struct node_json *j, const json_t *in, const char *field, bool otherwise)
{
    const json_t *value = json_object_get(in, field);
    if (value != NULL && !json_is_boolean(value))
        node_json_fail(j, field, "neither true nor false");
    return value == NULL ? otherwise : json_is_true(value);
}

static bool is_listed(const char *names, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = names; *at != '\0'; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (word == len && strncmp(at, name, len) == 0)
            return true;
        at += word;
    }
    return false;
}

void node_json_known(struct node_json *j, const json_t *in, const char *names)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)in, key, value) /* the macro wants it mutable, and only reads */
    {
        char what[NODE_JSON_TEXT_BYTES / 2];
        if (is_listed(names, key))
            continue;
        snprintf(what, sizeof what, "unknown field; known: %s", names);
        node_json_fail(j, key, what);
        return;
    }
}

/* The bytes of a text; NULL is a complaint made already. */
static struct td_bytes parse_bytes(struct node_json *j, const char *field, const char *text,
                                   size_t len)
{
    size_t got = 0;
    if (text == NULL || len < 2)
        len = 2;
    uint8_t *room = node_json_room(j, len / 2, 1);
    if (text == NULL || room == NULL)
        return td_bytes_of(NULL, 0);
    if (td_hex_decode(room, len / 2, &got, TD_HEX_PREFIXED, text, len) != TD_OK)
        node_json_fail(j, field, "not bytes like \"0x60ff\"");
    return td_bytes_of(room, got);
}

struct td_bytes node_json_bytes(struct node_json *j, const json_t *in, const char *field)
{
    size_t len;
    const char *text = text_of(j, in, field, &len);
    return parse_bytes(j, field, text, len);
}

struct td_bytes node_json_value_bytes(struct node_json *j, const json_t *value, const char *what)
{
    if (!json_is_string(value))
        node_json_fail(j, what, "not a string");
    return parse_bytes(j, what, json_string_value(value), json_string_length(value));
}

static void get_fixed(struct node_json *j, const json_t *in, const char *field, uint8_t *out,
                      size_t bytes, const char *what)
{
    size_t len;
    const char *text = text_of(j, in, field, &len);
    memset(out, 0, bytes);
    if (text != NULL && td_hex_decode_fixed(out, bytes, TD_HEX_PREFIXED, text, len) != TD_OK)
        node_json_fail(j, field, what);
}

void node_json_hash(struct node_json *j, const json_t *in, const char *field, struct td_hash *out)
{
    get_fixed(j, in, field, out->b, sizeof out->b, "not 32 bytes of hex");
}

void node_json_addr(struct node_json *j, const json_t *in, const char *field, struct td_addr *out)
{
    get_fixed(j, in, field, out->b, sizeof out->b, "not an address");
}

void node_json_opt_hash(struct node_json *j, const json_t *in, const char *field,
                        struct td_hash *out)
{
    if (json_object_get(in, field) != NULL)
        node_json_hash(j, in, field, out);
}

void node_json_opt_addr(struct node_json *j, const json_t *in, const char *field,
                        struct td_addr *out)
{
    if (json_object_get(in, field) != NULL)
        node_json_addr(j, in, field, out);
}

void node_json_text_addr(struct node_json *j, const char *text, const char *what,
                         struct td_addr *out)
{
    if (td_hex_decode_fixed(out->b, sizeof out->b, TD_HEX_PREFIXED, text, strlen(text)) != TD_OK)
        node_json_fail(j, what, "not an address");
}

void node_json_text_u256(struct node_json *j, const char *text, const char *what,
                         struct exec_u256 *out)
{
    parse_u256(j, what, text, strlen(text), out);
}

void *node_json_room(struct node_json *j, size_t count, size_t size)
{
    void *room = td_arena_get_array(j->arena, count, size, 16);
    if (room == NULL)
        node_json_fail(j, NULL, "too large for the memory set aside for one case");
    return room;
}
