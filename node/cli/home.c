#define _POSIX_C_SOURCE 200809L
#include "node/cli/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/host/folder.h"
#include "base/host/secp.h"
#include "base/host/secret.h"
#include "consensus/guard.h"
#include "node/exit_codes.h"
#include "p2p/noise.h"

#define TRANSPORT_TEXT_BYTES 64u

/* ---- folders and files */

static int make_one(const struct node_cli *cli, FILE *err, const char *path, bool *made)
{
    struct stat st;
    if (mkdir(path, S_IRWXU) == 0) {
        if (made != NULL)
            *made = true;
        return td_folder_sync(path) == 0
                   ? NODE_EXIT_OK
                   : node_cli_fail(cli, err, NODE_EXIT_IO, "%s: fsync of the folder above: %s",
                                   path, strerror(errno));
    }
    if (errno != EEXIST)
        return node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "cannot create the folder %s: %s",
                             path, strerror(errno));
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE,
                             "%s is there and is no folder; move it away", path);
    return NODE_EXIT_OK;
}

int node_home_folder(const struct node_cli *cli, FILE *err, const char *path, bool *made)
{
    char part[NODE_PATH_BYTES];
    size_t len = strlen(path);
    if (made != NULL)
        *made = false;
    if (len == 0 || len >= sizeof part)
        return node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "the path of a folder is too long");
    for (size_t i = 1; i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        int code = make_one(cli, err, part, i == len ? made : NULL);
        if (code != NODE_EXIT_OK)
            return code;
    }
    return NODE_EXIT_OK;
}

static bool write_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

enum td_error node_home_write(const char *path, const char *text, size_t len, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0)
        return errno == EEXIST ? TD_E_EXISTS : TD_E_IO;
    bool good = write_all(fd, text, len) && fsync(fd) == 0;
    int kept = errno;
    if (close(fd) != 0 && good) {
        kept = errno;
        good = false;
    }
    if (good && td_folder_sync(path) != 0) {
        kept = errno;
        good = false;
    }
    if (!good)
        unlink(path);
    errno = kept;
    return good ? TD_OK : TD_E_IO;
}

int node_home_genesis(const struct node_cli *cli, FILE *err, struct node_genesis *g)
{
    char path[NODE_PATH_BYTES];
    struct node_genesis_error why;
    node_cli_home_path(path, cli, "genesis.json");
    enum td_error e = node_genesis_load(g, path, &why);
    if (e == TD_OK)
        return NODE_EXIT_OK;
    if (e == TD_E_NOTFOUND)
        return node_cli_fail(cli, err, NODE_EXIT_NO_INPUT,
                             "no genesis at %s\nGet the chain's file, then: tandem init --home %s "
                             "--genesis FILE",
                             path, cli->home);
    return node_cli_fail(cli, err, e == TD_E_IO ? NODE_EXIT_IO : NODE_EXIT_CONFIG, "%s: %s", path,
                         why.text);
}

/* ---- keys */

bool node_key_name_good(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NODE_KEY_NAME_MAX || name[0] == '.' || name[0] == '-')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

void node_home_key_path(char out[NODE_PATH_BYTES], const struct node_cli *cli, const char *name)
{
    char file[sizeof "keys/.json" + NODE_KEY_NAME_MAX];
    snprintf(file, sizeof file, "keys/%.*s.json", (int)NODE_KEY_NAME_MAX, name);
    node_cli_home_path(out, cli, file);
}

/* The address a keystore names, without its password. */
static enum td_error named_address(struct td_addr *out, struct node_keystore_error *error,
                                   const char *text, size_t len)
{
    json_error_t where;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    enum td_error e = TD_OK;
    if (root == NULL) {
        snprintf(error->text, sizeof error->text, "%d:%d: %.100s", where.line, where.column,
                 where.text);
        return TD_E_MALFORMED;
    }
    const char *hex = json_string_value(json_object_get(root, "address"));
    if (hex == NULL ||
        td_hex_decode_fixed(out->b, TD_ADDR_BYTES,
                            strncmp(hex, "0x", 2) == 0 ? TD_HEX_PREFIXED : TD_HEX_BARE, hex,
                            strlen(hex)) != TD_OK) {
        snprintf(error->text, sizeof error->text, "it names no address");
        e = TD_E_MALFORMED;
    }
    json_decref(root);
    return e;
}

void node_home_key_look(struct node_key_file *out, const char *path)
{
    char text[NODE_KEYSTORE_BYTES_MAX];
    size_t len = 0;
    const char *base = strrchr(path, '/');
    memset(out, 0, sizeof *out);
    snprintf(out->path, sizeof out->path, "%s", path);
    base = base == NULL ? path : base + 1;
    size_t name = strlen(base);
    if (name > 5 && strcmp(base + name - 5, ".json") == 0)
        name -= 5;
    snprintf(out->name, sizeof out->name, "%.*s", (int)name, base);
    out->status = node_keystore_read(text, &len, &out->error, path);
    if (out->status == TD_OK)
        out->status = named_address(&out->addr, &out->error, text, len);
    out->readable = out->status == TD_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct node_key_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

size_t node_home_keys(const struct node_cli *cli, struct node_key_file *files, size_t cap)
{
    char folder[NODE_PATH_BYTES], path[NODE_PATH_BYTES], name[NODE_KEY_NAME_MAX + 1u];
    size_t count = 0;
    node_cli_home_path(folder, cli, "keys");
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d != NULL && count < cap && (e = readdir(d)) != NULL) {
        size_t len = strlen(e->d_name);
        if (len <= 5 || len - 5 > NODE_KEY_NAME_MAX || strcmp(e->d_name + len - 5, ".json") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(len - 5), e->d_name);
        if (!node_key_name_good(name))
            continue;
        node_home_key_path(path, cli, name);
        node_home_key_look(&files[count++], path);
    }
    if (d != NULL)
        closedir(d);
    if (count > 1)
        qsort(files, count, sizeof *files, by_name);
    return count;
}

/* What to exit with when a key file is not as it must be. */
static int key_problem(const struct node_cli *cli, FILE *err, const struct node_key_file *f)
{
    if (f->status == TD_E_NOTFOUND)
        return node_cli_fail(cli, err, NODE_EXIT_NO_INPUT,
                             "no key at %s\n`tandem keys list` shows what there is", f->path);
    return node_cli_fail(cli, err,
                         f->status == TD_E_RANGE ? NODE_EXIT_KEY_ACCESS
                         : f->status == TD_E_IO  ? NODE_EXIT_IO
                                                 : NODE_EXIT_CONFIG,
                         "%s: %s", f->path, f->error.text);
}

static int only_key(const struct node_cli *cli, FILE *err, struct node_key_file *out)
{
    struct node_key_file *files = calloc(NODE_KEYS_MAX, sizeof *files);
    TD_ASSERT(files != NULL);
    size_t count = node_home_keys(cli, files, NODE_KEYS_MAX);
    int code = NODE_EXIT_OK;
    if (count == 1)
        *out = files[0];
    else if (count == 0)
        code = node_cli_fail(cli, err, NODE_EXIT_NO_INPUT,
                             "no key in %s/keys\nMake one: tandem keys new --home %s", cli->home,
                             cli->home);
    else
        code = node_cli_fail(cli, err, NODE_EXIT_CONFIG,
                             "%zu keys in %s/keys, and none is named\nName the signer's: "
                             "[signer] keystore = \"keys/%s.json\"",
                             count, cli->home, files[0].name);
    free(files);
    return code;
}

int node_home_signer(const struct node_cli *cli, FILE *err, const char *name,
                     struct node_key_file *out)
{
    char path[NODE_PATH_BYTES];
    int code = NODE_EXIT_OK;
    if (name != NULL && !node_key_name_good(name))
        return node_cli_fail(cli, err, NODE_EXIT_USAGE,
                             "\"%.64s\" is no name of a key: letters, digits, - _ .", name);
    if (name != NULL) {
        node_home_key_path(path, cli, name);
        node_home_key_look(out, path);
    } else if (node_config_text(&cli->config, NODE_OPT_SIGNER_KEYSTORE)[0] != '\0') {
        node_cli_path(path, cli, NODE_OPT_SIGNER_KEYSTORE, "");
        node_home_key_look(out, path);
    } else {
        code = only_key(cli, err, out);
    }
    return code != NODE_EXIT_OK ? code : out->readable ? NODE_EXIT_OK : key_problem(cli, err, out);
}

/* A file whose address is not its key's would have its guard looked up under the wrong name. */
static bool is_key_of(const uint8_t secret[NODE_SECRET_BYTES], const struct td_addr *addr)
{
    struct td_secp *secp = td_secp_new();
    struct td_secp_key key;
    struct td_secp_pub pub;
    struct td_addr own;
    TD_ASSERT(secp != NULL);
    bool good = td_secp_key_init(secp, &key, secret) == TD_OK;
    if (good) {
        td_secp_key_pub(secp, &pub, &key);
        td_secp_pub_addr(secp, &own, &pub);
        good = td_addr_eq(&own, addr);
    }
    td_secp_key_reset(&key);
    td_secp_free(secp);
    return good;
}

int node_home_unlock(const struct node_cli *cli, FILE *err, const struct node_key_file *file,
                     const struct node_password *password, uint8_t secret[NODE_SECRET_BYTES])
{
    char text[NODE_KEYSTORE_BYTES_MAX];
    size_t len = 0;
    struct node_key_file now = *file;
    struct td_addr named;
    memset(secret, 0, NODE_SECRET_BYTES);
    now.status = node_keystore_read(text, &len, &now.error, file->path);
    if (now.status == TD_OK)
        now.status = node_keystore_decode(secret, &named, &now.error, td_bytes_of(text, len),
                                          td_bytes_of(password->text, password->len));
    if (now.status == TD_E_SIGNATURE)
        return node_cli_fail(
            cli, err, NODE_EXIT_KEY_ACCESS,
            "%s: %s\nName the file whose first line opens it: --signer.password_file F", file->path,
            now.error.text);
    if (now.status != TD_OK)
        return key_problem(cli, err, &now);
    if (is_key_of(secret, &file->addr))
        return NODE_EXIT_OK;
    td_secret_wipe(secret, NODE_SECRET_BYTES);
    return node_cli_fail(cli, err, NODE_EXIT_CONFIG,
                         "%s: the address it names is not its key's\nImport the key anew: tandem "
                         "keys import",
                         file->path);
}

/* ---- passwords */

void node_password_wipe(struct node_password *p)
{
    td_secret_wipe(p, sizeof *p);
}

/* The first line; a password file has a key file's rules for who may read it. */
static int password_file(const struct node_cli *cli, FILE *err, const char *path,
                         struct node_password *out)
{
    char text[NODE_KEYSTORE_BYTES_MAX];
    size_t len = 0;
    int code = NODE_EXIT_OK;
    struct node_keystore_error why;
    enum td_error e = node_keystore_read(text, &len, &why, path);
    const char *end = len == 0 ? NULL : memchr(text, '\n', len);
    size_t line = end == NULL ? len : (size_t)(end - text);
    if (line > 0 && text[line - 1] == '\r')
        line--;
    if (e != TD_OK)
        code = node_cli_fail(cli, err,
                             e == TD_E_RANGE      ? NODE_EXIT_KEY_ACCESS
                             : e == TD_E_NOTFOUND ? NODE_EXIT_NO_INPUT
                                                  : NODE_EXIT_IO,
                             "password file %s: %s", path, why.text);
    else if (line == 0 || line > sizeof out->text || memchr(text, '\0', line) != NULL)
        code = node_cli_fail(cli, err, NODE_EXIT_CONFIG,
                             "password file %s: its first line is the password: 1 to %zu bytes",
                             path, sizeof out->text);
    if (code == NODE_EXIT_OK) {
        memcpy(out->text, text, line);
        out->len = line;
    }
    td_secret_wipe(text, sizeof text);
    return code;
}

/* One line from the terminal, not shown.  False at its end. */
static bool ask(const char *question, struct node_password *out)
{
    struct termios shown, hidden;
    char line[NODE_PASSWORD_BYTES_MAX + 2u];
    bool good = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (!good)
        return false;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    fputs(question, stderr);
    good = fgets(line, sizeof line, stdin) != NULL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    out->len = good ? strcspn(line, "\r\n") : 0;
    good = good && out->len > 0 && out->len <= sizeof out->text;
    if (good)
        memcpy(out->text, line, out->len);
    td_secret_wipe(line, sizeof line);
    return good;
}

int node_home_password(const struct node_cli *cli, FILE *err, const char *file, bool fresh,
                       struct node_password *out)
{
    char path[NODE_PATH_BYTES];
    struct node_password again;
    memset(out, 0, sizeof *out);
    if (file != NULL)
        return password_file(cli, err, file, out);
    if (node_config_text(&cli->config, NODE_OPT_SIGNER_PASSWORD_FILE)[0] != '\0') {
        node_cli_path(path, cli, NODE_OPT_SIGNER_PASSWORD_FILE, "");
        return password_file(cli, err, path, out);
    }
    if (isatty(STDIN_FILENO) != 1)
        return node_cli_fail(
            cli, err, NODE_EXIT_NO_INPUT,
            "no password: this is no terminal to ask at\n"
            "Name a file (mode 0600) whose first line it is: [signer] password_file");
    if (!ask("Password: ", out))
        return node_cli_fail(cli, err, NODE_EXIT_NO_INPUT, "no password was typed");
    if (!fresh)
        return NODE_EXIT_OK;
    memset(&again, 0, sizeof again);
    bool same = ask("Again: ", &again) && again.len == out->len &&
                td_secret_eq(again.text, out->text, out->len);
    node_password_wipe(&again);
    if (same)
        return NODE_EXIT_OK;
    node_password_wipe(out);
    return node_cli_fail(cli, err, NODE_EXIT_NO_INPUT, "the two passwords differ; nothing is made");
}

/* ---- transport key */

int node_home_transport_new(const struct node_cli *cli, FILE *err, bool *made)
{
    char path[NODE_PATH_BYTES], text[TRANSPORT_TEXT_BYTES + 2u];
    uint8_t secret[32];
    struct node_keystore_error why;
    node_cli_home_path(path, cli, "keys/transport.key");
    td_secret_random(secret, sizeof secret);
    TD_ASSERT(td_hex_encode(text, sizeof text, TD_HEX_BARE, secret, sizeof secret) == TD_OK);
    text[TRANSPORT_TEXT_BYTES] = '\n';
    enum td_error e = node_keystore_write(path, text, TRANSPORT_TEXT_BYTES + 1u, &why);
    td_secret_wipe(text, sizeof text);
    td_secret_wipe(secret, sizeof secret);
    *made = e == TD_OK;
    if (e == TD_OK || e == TD_E_EXISTS)
        return NODE_EXIT_OK;
    return node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "%s: %s", path, why.text);
}

int node_home_transport(const struct node_cli *cli, FILE *err, uint8_t secret[32])
{
    char path[NODE_PATH_BYTES], text[NODE_KEYSTORE_BYTES_MAX];
    size_t len = 0;
    struct node_keystore_error why;
    node_cli_home_path(path, cli, "keys/transport.key");
    enum td_error e = node_keystore_read(text, &len, &why, path);
    bool line = len == TRANSPORT_TEXT_BYTES + 1u && text[TRANSPORT_TEXT_BYTES] == '\n';
    bool good = e == TD_OK && (line || len == TRANSPORT_TEXT_BYTES) &&
                td_hex_decode_fixed(secret, 32, TD_HEX_BARE, text, TRANSPORT_TEXT_BYTES) == TD_OK;
    td_secret_wipe(text, sizeof text);
    if (good)
        return NODE_EXIT_OK;
    memset(secret, 0, 32);
    if (e == TD_E_NOTFOUND)
        return node_cli_fail(cli, err, NODE_EXIT_NO_INPUT,
                             "no transport key at %s\nMake one: tandem init --home %s", path,
                             cli->home);
    if (e == TD_OK)
        return node_cli_fail(cli, err, NODE_EXIT_CONFIG,
                             "%s: expected 64 hex digits\nMove it away and run: tandem init --home "
                             "%s",
                             path, cli->home);
    return node_cli_fail(cli, err, e == TD_E_RANGE ? NODE_EXIT_KEY_ACCESS : NODE_EXIT_IO, "%s: %s",
                         path, why.text);
}

void node_transport_public(uint8_t out[32], const uint8_t secret[32])
{
    p2p_noise_public(out, secret);
}

/* ---- sign guard */

void node_home_guard_path(char out[NODE_PATH_BYTES], const struct node_cli *cli)
{
    node_cli_path(out, cli, NODE_OPT_SIGNER_GUARD_DB, "guard.db");
}

enum td_error node_home_guard_new(const char *path, const struct td_addr *validator,
                                  const struct td_hash *genesis, struct store_error *error)
{
    uint8_t record[BFT_GUARD_BYTES_MAX];
    struct bft_guard empty;
    struct store_guard_identity identity = {.validator = *validator, .genesis = *genesis};
    bft_guard_init(&empty);
    size_t len = bft_guard_encode(record, sizeof record, &empty);
    TD_ASSERT(len > 0);
    struct store_guard_item item = {.slot = 0, .bytes = td_bytes_of(record, len)};
    return store_guard_create(path, &identity, &item, 1, error);
}

int node_guard_exit(enum td_error e)
{
    if (e == TD_E_NOTFOUND)
        return NODE_EXIT_NO_INPUT;
    if (e == TD_E_BUSY)
        return NODE_EXIT_RUNNING;
    if (e == TD_E_CORRUPT)
        return NODE_EXIT_CORRUPT;
    return e == TD_E_RANGE || e == TD_E_UNSUPPORTED ? NODE_EXIT_SAFETY_HALT : NODE_EXIT_IO;
}
