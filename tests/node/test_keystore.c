/* node/keys/keystore: the two files published with Web3 Secret Storage, a round trip, every field
 * bent in turn, and what the file system may offer in a key file's place. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/core/hex.h"
#include "node/keys/keystore.h"

#define SECRET "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"

/* The wiki page "Web3 Secret Storage Definition": password "testpassword". */
static const char PBKDF2[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"6087dab2f9fdbbfaddc31a909735c1e6\"},\"ciphertext\":"
    "\"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46\",\"kdf\":\"pbkdf2\","
    "\"kdfparams\":{\"c\":262144,\"dklen\":32,\"prf\":\"hmac-sha256\",\"salt\":"
    "\"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd\"},\"mac\":"
    "\"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2\"},"
    "\"id\":\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}";
static const char SCRYPT[] =
    "{\"crypto\":{\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":"
    "\"83dbcc02d8ccb40e466191a123791e0e\"},\"ciphertext\":"
    "\"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c\",\"kdf\":\"scrypt\","
    "\"kdfparams\":{\"dklen\":32,\"n\":262144,\"p\":8,\"r\":1,\"salt\":"
    "\"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19\"},\"mac\":"
    "\"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097\"},"
    "\"id\":\"3198bc9c-6672-5ab3-d995-4942343ae5b6\",\"version\":3}";

static const uint8_t KEY[32] = {1, 2, 3, 4}, ZERO[32];
static const struct td_addr ADDRESS = {{0xAB, 0xCD}};

static enum td_error decode(uint8_t secret[32], struct node_keystore_error *e, const char *json,
                            const char *password)
{
    struct td_addr addr;
    return node_keystore_decode(secret, &addr, e, td_bytes_of_text(json),
                                td_bytes_of_text(password));
}

Test(keystore, published_files_open_with_their_password)
{
    static const char *const files[] = {PBKDF2, SCRYPT};
    for (size_t i = 0; i < 2; i++) {
        uint8_t secret[32], want[32];
        struct node_keystore_error e;
        cr_assert_eq(decode(secret, &e, files[i], "testpassword"), TD_OK, "%zu: %s", i, e.text);
        cr_assert_eq(td_hex_decode_fixed(want, 32, TD_HEX_BARE, SECRET, 64), TD_OK);
        cr_expect_arr_eq(secret, want, 32);
    }
}

static size_t light(char out[NODE_KEYSTORE_BYTES_MAX], const char *password)
{
    size_t len;
    cr_assert_eq(node_keystore_encode(out, &len, KEY, &ADDRESS, td_bytes_of_text(password), 4),
                 TD_OK);
    cr_assert_eq(len, strlen(out));
    return len;
}

Test(keystore, written_file_opens_with_its_password_only)
{
    static const char *const passwords[] = {"", "a", "p\xC3\xA4ss w\"rd"};
    for (size_t i = 0; i < 3; i++) {
        char json[NODE_KEYSTORE_BYTES_MAX];
        uint8_t secret[32];
        struct td_addr addr;
        struct node_keystore_error e;
        size_t len = light(json, passwords[i]);
        cr_assert_eq(node_keystore_decode(secret, &addr, &e, td_bytes_of(json, len),
                                          td_bytes_of_text(passwords[i])),
                     TD_OK, "%s", e.text);
        cr_expect_arr_eq(secret, KEY, 32);
        cr_expect(td_addr_eq(&addr, &ADDRESS));
        cr_expect_eq(decode(secret, &e, json, "other"), TD_E_SIGNATURE);
        cr_expect_arr_eq(secret, ZERO, 32);
        cr_expect_not_null(strstr(e.text, "wrong password"));
    }
}

Test(keystore, two_files_of_one_key_share_no_salt_iv_or_id)
{
    char a[NODE_KEYSTORE_BYTES_MAX], b[NODE_KEYSTORE_BYTES_MAX];
    static const char *const fields[] = {"\"salt\":\"", "\"iv\":\"", "\"id\":\"", "\"mac\":\""};
    light(a, "x");
    light(b, "x");
    for (size_t i = 0; i < 4; i++)
        cr_expect_neq(strncmp(strstr(a, fields[i]), strstr(b, fields[i]), 30), 0, "%s", fields[i]);
    const char *id = strstr(a, "\"id\":\"") + 6;
    cr_expect(id[14] == '4' && strchr("89ab", id[19]) != NULL, "RFC 4122 version and variant");
}

Test(keystore, default_cost_is_that_of_geth)
{
    char json[NODE_KEYSTORE_BYTES_MAX];
    size_t len;
    cr_assert_eq(
        node_keystore_encode(json, &len, KEY, &ADDRESS, td_bytes_of("p", 1), NODE_SCRYPT_LOG_N),
        TD_OK);
    cr_expect_not_null(strstr(json, "\"n\":262144,\"p\":1,\"r\":8"));
}

/* Replace the first `from` of a light file by `to`. */
static void bend(char out[NODE_KEYSTORE_BYTES_MAX], const char *from, const char *to)
{
    char json[NODE_KEYSTORE_BYTES_MAX];
    light(json, "x");
    char *at = strstr(json, from);
    cr_assert_not_null(at, "%s", from);
    snprintf(out, NODE_KEYSTORE_BYTES_MAX, "%.*s%s%s", (int)(at - json), json, to,
             at + strlen(from));
}

Test(keystore, bent_files_are_refused_by_field)
{
    static const struct {
        const char *from, *to;
        enum td_error want;
        const char *part;
    } cases[] = {
        {"\"version\":3", "\"version\":1", TD_E_UNSUPPORTED, "version"},
        {"\"version\":3", "\"version\":\"3\"", TD_E_UNSUPPORTED, "version"},
        {"aes-128-ctr", "aes-128-cbc", TD_E_UNSUPPORTED, "crypto.cipher"},
        {"\"crypto\"", "\"crypt0\"", TD_E_MALFORMED, "crypto: missing"},
        {"\"iv\":\"", "\"iv\":\"00", TD_E_MALFORMED, "iv"},
        {"\"ciphertext\":\"", "\"ciphertext\":\"00", TD_E_MALFORMED, "ciphertext"},
        {"\"mac\":\"", "\"mac\":\"zz", TD_E_MALFORMED, "mac"},
        {"\"address\":\"", "\"address\":\"0", TD_E_MALFORMED, "address"},
        {"\"kdf\":\"scrypt\"", "\"kdf\":\"argon\"", TD_E_UNSUPPORTED, "crypto.kdf"},
        {"\"dklen\":32", "\"dklen\":64", TD_E_UNSUPPORTED, "dklen"},
        {"\"n\":16", "\"n\":17", TD_E_MALFORMED, "kdfparams"},
        {"\"n\":16", "\"n\":0", TD_E_MALFORMED, "kdfparams"},
        {"\"n\":16", "\"n\":-16", TD_E_MALFORMED, "kdfparams"},
        {"\"n\":16", "\"n\":1", TD_E_MALFORMED, "kdfparams"},
        {"\"n\":16", "\"n\":1.5", TD_E_MALFORMED, "kdfparams"},
        {"\"n\":16", "\"n\":1048576", TD_E_LIMIT, "512 MiB"},
        {"\"n\":16", "\"n\":4611686018427387904", TD_E_LIMIT, "512 MiB"},
        {"\"p\":1", "\"p\":1048576", TD_E_LIMIT, "512 MiB"},
        {"\"r\":8", "\"r\":9223372036854775807", TD_E_LIMIT, "512 MiB"},
        {"\"salt\":\"", "\"salt\":\"0", TD_E_MALFORMED, "salt"},
        {"\"mac\":\"", "\"mac\":\"\",\"mac\":\"", TD_E_MALFORMED, "duplicate"},
        {"}\n", "", TD_E_MALFORMED, "1:"},
        {"}\n", "} x", TD_E_MALFORMED, "1:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[NODE_KEYSTORE_BYTES_MAX];
        uint8_t secret[32];
        struct node_keystore_error e;
        bend(json, cases[i].from, cases[i].to);
        cr_expect_eq(decode(secret, &e, json, "x"), cases[i].want, "case %zu: %s", i, e.text);
        cr_expect_not_null(strstr(e.text, cases[i].part), "case %zu: %s", i, e.text);
        cr_expect_arr_eq(secret, ZERO, 32);
    }
}

Test(keystore, changed_ciphertext_or_salt_is_a_wrong_mac)
{
    static const char *const fields[] = {"\"ciphertext\":\"", "\"salt\":\"", "\"mac\":\""};
    for (size_t i = 0; i < 3; i++) {
        char json[NODE_KEYSTORE_BYTES_MAX];
        uint8_t secret[32];
        struct node_keystore_error e;
        light(json, "x");
        char *digit = strstr(json, fields[i]) + strlen(fields[i]);
        *digit = *digit == '0' ? '1' : '0';
        cr_expect_eq(decode(secret, &e, json, "x"), TD_E_SIGNATURE);
    }
}

/* A password of a megabyte, and no input at all. */
Test(keystore, sizes_are_bounded)
{
    static uint8_t big[NODE_KEYSTORE_BYTES_MAX + 1u];
    uint8_t secret[32];
    struct td_addr addr;
    struct node_keystore_error e;
    cr_expect_eq(
        node_keystore_decode(secret, &addr, &e, td_bytes_of(big, sizeof big), td_bytes_of("x", 1)),
        TD_E_LIMIT);
    cr_expect_eq(node_keystore_decode(secret, &addr, &e, td_bytes_of(big, 10),
                                      td_bytes_of(big, NODE_PASSWORD_BYTES_MAX + 1u)),
                 TD_E_LIMIT);
    cr_expect_eq(
        node_keystore_decode(secret, &addr, &e, td_bytes_of(NULL, 0), td_bytes_of(NULL, 0)),
        TD_E_MALFORMED);
}

/* ---- files */

static char folder[64], path[96];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "keystore-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key.json", folder);
}

static void remove_folder(void)
{
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "something was left behind");
}

TestSuite(keystore_file, .init = make_folder, .fini = remove_folder);

static enum td_error read_back(struct node_keystore_error *e, char out[NODE_KEYSTORE_BYTES_MAX])
{
    size_t len;
    enum td_error err = node_keystore_read(out, &len, e, path);
    cr_expect(err == TD_OK || len == 0);
    return err;
}

Test(keystore_file, written_private_and_never_over_another)
{
    char out[NODE_KEYSTORE_BYTES_MAX];
    struct node_keystore_error e;
    struct stat st;
    umask(0);
    cr_assert_eq(node_keystore_write(path, "first", 5, &e), TD_OK, "%s", e.text);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_mode & 07777u, 0600u);
    cr_expect_eq(node_keystore_write(path, "second", 6, &e), TD_E_EXISTS);
    cr_assert_eq(read_back(&e, out), TD_OK);
    cr_expect_eq(memcmp(out, "first", 5), 0);
}

Test(keystore_file, mode_that_lets_others_in_is_refused)
{
    static const unsigned modes[] = {0644, 0640, 0604, 0620, 0601, 0700, 0600, 0400};
    struct node_keystore_error e;
    char out[NODE_KEYSTORE_BYTES_MAX];
    cr_assert_eq(node_keystore_write(path, "x", 1, &e), TD_OK);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        cr_assert_eq(chmod(path, modes[i]), 0);
        bool open_to_others = (modes[i] & 077u) != 0;
        cr_expect_eq(read_back(&e, out), open_to_others ? TD_E_RANGE : TD_OK, "%o", modes[i]);
        cr_expect(!open_to_others || strstr(e.text, "chmod 600") != NULL, "%s", e.text);
    }
}

Test(keystore_file, what_is_no_file_is_refused_at_once)
{
    struct node_keystore_error e;
    char out[NODE_KEYSTORE_BYTES_MAX];
    cr_expect_eq(read_back(&e, out), TD_E_NOTFOUND);
    cr_assert_eq(symlink("elsewhere", path), 0);
    cr_expect_eq(read_back(&e, out), TD_E_RANGE);
    cr_expect_eq(node_keystore_write(path, "x", 1, &e), TD_E_EXISTS);
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(read_back(&e, out), TD_E_RANGE); /* and does not wait for a writer */
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_expect_eq(read_back(&e, out), TD_E_RANGE);
    rmdir(path);
}

Test(keystore_file, size_is_bounded_at_its_edge)
{
    static char big[NODE_KEYSTORE_BYTES_MAX + 1u];
    char out[NODE_KEYSTORE_BYTES_MAX];
    struct node_keystore_error e;
    cr_assert_eq(node_keystore_write(path, big, NODE_KEYSTORE_BYTES_MAX, &e), TD_OK);
    cr_expect_eq(read_back(&e, out), TD_OK);
    unlink(path);
    cr_assert_eq(node_keystore_write(path, big, NODE_KEYSTORE_BYTES_MAX + 1u, &e), TD_OK);
    cr_expect_eq(read_back(&e, out), TD_E_LIMIT);
}

Test(keystore_file, folder_that_is_not_there_is_said)
{
    struct node_keystore_error e;
    cr_expect_eq(node_keystore_write("no-such-folder/key.json", "x", 1, &e), TD_E_IO);
    cr_expect_not_null(strstr(e.text, "create: No such file"), "%s", e.text);
}
