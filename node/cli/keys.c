#include "node/cli/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/core/assert.h"
#include "base/core/hex.h"
#include "base/host/secp.h"
#include "base/host/secret.h"
#include "node/cli/home.h"
#include "node/exit_codes.h"

#define DEFAULT_NAME "validator"

/* What the four commands ask for; each fills its own part. */
struct flags {
    const char *password_file, *source_password_file;
    bool no_guard, new_guard, light, unsafe_raw;
};

/* ---- writing a key, and its guard */

static int write_key(const struct node_cli *cli, FILE *err, const char *path,
                     const uint8_t secret[NODE_SECRET_BYTES], const struct td_addr *addr,
                     const struct node_password *password, bool light)
{
    char json[NODE_KEYSTORE_BYTES_MAX];
    size_t len = 0;
    struct node_keystore_error why;
    if (node_keystore_encode(json, &len, secret, addr, td_bytes_of(password->text, password->len),
                             light ? NODE_SCRYPT_LOG_N_LIGHT : NODE_SCRYPT_LOG_N) != TD_OK)
        return node_cli_fail(cli, err, NODE_EXIT_IO,
                             "no memory to encrypt the key (256 MiB); --light needs 4");
    enum td_error e = node_keystore_write(path, json, len, &why);
    if (e == TD_E_EXISTS)
        return node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE,
                             "%s is there already and stays as it is\nName another: tandem %s NAME",
                             path, cli->spec->command);
    return e == TD_OK ? NODE_EXIT_OK
                      : node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "%s: %s", path, why.text);
}

/* Where the guard goes must be free before a key is made for it. */
static int check_guard_free(const struct node_cli *cli, FILE *err, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 && errno == ENOENT)
        return NODE_EXIT_OK;
    return node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE,
                         "there is a sign guard at %s, of this home's validator key\n"
                         "A home has one signing key; for a key that does not sign: --no-guard",
                         path);
}

static int guard_genesis(const struct node_cli *cli, FILE *err, struct td_hash *genesis)
{
    struct node_genesis *g = calloc(1, sizeof *g);
    TD_ASSERT(g != NULL);
    int code = node_home_genesis(cli, err, g);
    if (code == NODE_EXIT_OK) {
        *genesis = g->genesis_hash;
        node_genesis_free(g);
    } else {
        fprintf(err, "Without it no sign guard can be made; a key alone: --no-guard\n");
    }
    free(g);
    return code;
}

/* Encrypt and write the key and, unless `guard` is NULL, the guard at that path.  A key whose guard
 * could not be made is taken back: nobody has seen it. */
static int create(const struct node_cli *cli, FILE *err, const struct flags *f, const char *name,
                  const struct td_secp_key *key, const struct td_addr *addr, const char *guard,
                  const struct node_password *password)
{
    char path[NODE_PATH_BYTES];
    struct td_hash genesis;
    struct store_error why;
    int code = NODE_EXIT_OK;
    if (guard != NULL) {
        code = check_guard_free(cli, err, guard);
        if (code == NODE_EXIT_OK)
            code = guard_genesis(cli, err, &genesis);
        if (code != NODE_EXIT_OK)
            return code;
    }
    node_cli_home_path(path, cli, "keys");
    code = node_home_folder(cli, err, path, NULL);
    node_home_key_path(path, cli, name);
    if (code == NODE_EXIT_OK)
        code = write_key(cli, err, path, key->secret, addr, password, f->light);
    if (code != NODE_EXIT_OK || guard == NULL)
        return code;
    enum td_error e = node_home_guard_new(guard, addr, &genesis, &why);
    if (e == TD_OK)
        return NODE_EXIT_OK;
    unlink(path);
    return node_cli_fail(cli, err, NODE_EXIT_CANT_CREATE, "%s: %s\nThe key was not kept", guard,
                         why.text);
}

static void print_made(FILE *out, const struct node_cli *cli, const char *name,
                       const struct td_addr *addr, const struct td_pubkey *pub, const char *guard)
{
    char text[TD_ADDR_TEXT_BYTES], key[2u * TD_PUBKEY_BYTES + 3u], path[NODE_PATH_BYTES];
    td_addr_print(text, addr);
    TD_ASSERT(td_hex_encode(key, sizeof key, TD_HEX_PREFIXED, pub->b, TD_PUBKEY_BYTES) == TD_OK);
    node_home_key_path(path, cli, name);
    if (cli->json) {
        fprintf(out, "{\"name\":\"%s\",\"address\":\"%s\",\"key\":\"%s\",\"guard\":%s}\n", name,
                text, key, guard == NULL ? "false" : "true");
        return;
    }
    fprintf(out, "address     %s\npublic key  %s\nkeystore    %s\n", text, key, path);
    if (guard != NULL)
        fprintf(out, "sign guard  %s\n", guard);
}

static int check_name(const struct node_cli *cli, FILE *err, const char *name)
{
    if (node_key_name_good(name))
        return NODE_EXIT_OK;
    return node_cli_fail(cli, err, NODE_EXIT_USAGE,
                         "\"%.64s\" is no name of a key: letters, digits, - _ .", name);
}

/* The common end of new and import.  Takes the key: it is wiped. */
static int finish_key(const struct node_cli *cli, FILE *out, FILE *err, const struct flags *f,
                      const char *name, struct td_secp *secp, struct td_secp_key *key, bool guarded)
{
    char guard[NODE_PATH_BYTES];
    struct td_secp_pub pub;
    struct td_pubkey packed;
    struct td_addr addr;
    struct node_password password;
    td_secp_key_pub(secp, &pub, key);
    td_secp_pub_encode(secp, &packed, &pub);
    td_secp_pub_addr(secp, &addr, &pub);
    node_home_guard_path(guard, cli);
    int code = node_home_password(cli, err, f->password_file, true, &password);
    if (code == NODE_EXIT_OK)
        code = create(cli, err, f, name, key, &addr, guarded ? guard : NULL, &password);
    node_password_wipe(&password);
    td_secp_key_reset(key);
    if (code == NODE_EXIT_OK)
        print_made(out, cli, name, &addr, &packed, guarded ? guard : NULL);
    return code;
}

static int begin(struct node_cli *cli, const struct node_cli_spec *spec, FILE *out, FILE *err,
                 int argc, char **argv)
{
    int code = node_cli_parse(cli, spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli->help)
        code = node_cli_load(cli, err);
    return code;
}

static int run_new(FILE *out, FILE *err, int argc, char **argv)
{
    struct flags f = {0};
    const struct node_cli_flag flags[] = {
        {.name = "--password-file", .value = &f.password_file},
        {.name = "--no-guard", .seen = &f.no_guard},
        {.name = "--light", .seen = &f.light},
    };
    const struct node_cli_spec spec = {
        .command = "keys new",
        .usage = "usage: tandem keys new [NAME] [--password-file F] [--no-guard] [--light]\n\n"
                 "Draws a validator key, writes HOME/keys/NAME.json (default: " DEFAULT_NAME
                 ") and the sign guard.\n\n"
                 "  --password-file F  its first line encrypts the key; else it is asked for\n"
                 "  --no-guard         a key that does not sign blocks here; needs no genesis\n"
                 "  --light            4 MiB of scrypt in place of 256: quick, for tests",
        .flags = flags,
        .flag_count = sizeof flags / sizeof flags[0],
        .words_max = 1,
    };
    struct node_cli cli;
    int code = begin(&cli, &spec, out, err, argc, argv);
    const char *name = cli.word_count > 0 ? cli.words[0] : DEFAULT_NAME;
    if (code == NODE_EXIT_OK && !cli.help)
        code = check_name(&cli, err, name);
    if (code == NODE_EXIT_OK && !cli.help) {
        struct td_secp_key key;
        struct td_secp *secp = td_secp_new();
        TD_ASSERT(secp != NULL);
        td_secp_key_new(secp, &key);
        code = finish_key(&cli, out, err, &f, name, secp, &key, !f.no_guard);
        td_secp_free(secp);
    }
    node_cli_free(&cli);
    return code;
}

/* ---- list */

static void print_key(FILE *out, const struct node_key_file *k, bool json, bool first)
{
    char addr[TD_ADDR_TEXT_BYTES] = "";
    if (k->readable)
        td_addr_print(addr, &k->addr);
    if (json)
        fprintf(out, "%s{\"name\":\"%s\",\"address\":%s%s%s,\"good\":%s}", first ? "" : ",",
                k->name, k->readable ? "\"" : "", k->readable ? addr : "null",
                k->readable ? "\"" : "", k->readable ? "true" : "false");
    else
        fprintf(out, "%-16s %s%s\n", k->name, k->readable ? addr : "✗ ",
                k->readable ? "" : k->error.text);
}

static int run_list(FILE *out, FILE *err, int argc, char **argv)
{
    const struct node_cli_spec spec = {
        .command = "keys list",
        .usage = "usage: tandem keys list [--json]\n\nNames and addresses of HOME/keys/*.json."};
    struct node_cli cli;
    int code = begin(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help) {
        struct node_key_file *files = calloc(NODE_KEYS_MAX, sizeof *files);
        TD_ASSERT(files != NULL);
        size_t count = node_home_keys(&cli, files, NODE_KEYS_MAX);
        fputs(cli.json ? "[" : "", out);
        for (size_t i = 0; i < count; i++) {
            print_key(out, &files[i], cli.json, i == 0);
            if (files[i].status == TD_E_RANGE)
                code = NODE_EXIT_KEY_ACCESS;
            else if (!files[i].readable && code == NODE_EXIT_OK)
                code = NODE_EXIT_CHECK_FAILED;
        }
        fputs(cli.json ? "]\n" : "", out);
        if (count == 0 && !cli.json)
            fprintf(err, "no keys in %s/keys\nMake one: tandem keys new\n", cli.home);
        free(files);
    }
    node_cli_free(&cli);
    return code;
}

/* ---- import */

/* A key as hex, with or without 0x, white space around it. */
static bool raw_key(uint8_t secret[NODE_SECRET_BYTES], const char *text, size_t len)
{
    size_t got = 0;
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    while (len > 0 && strchr(" \t\r\n", text[0]) != NULL) {
        text++;
        len--;
    }
    return td_hex_decode(secret, NODE_SECRET_BYTES, &got, TD_HEX_EITHER, text, len) == TD_OK &&
           got == NODE_SECRET_BYTES;
}

/* The source: a file of ours to read under the rules of key files, or "-". */
static int read_source(const struct node_cli *cli, FILE *err, const char *from,
                       char text[NODE_KEYSTORE_BYTES_MAX], size_t *len)
{
    struct node_keystore_error why;
    if (strcmp(from, "-") == 0) {
        *len = fread(text, 1, NODE_KEYSTORE_BYTES_MAX, stdin);
        return ferror(stdin) ? node_cli_fail(cli, err, NODE_EXIT_IO, "cannot read standard input")
                             : NODE_EXIT_OK;
    }
    enum td_error e = node_keystore_read(text, len, &why, from);
    if (e == TD_OK)
        return NODE_EXIT_OK;
    return node_cli_fail(cli, err,
                         e == TD_E_NOTFOUND ? NODE_EXIT_NO_INPUT
                         : e == TD_E_RANGE  ? NODE_EXIT_KEY_ACCESS
                         : e == TD_E_LIMIT  ? NODE_EXIT_CONFIG
                                            : NODE_EXIT_IO,
                         "%s: %s", from, why.text);
}

static int source_key(const struct node_cli *cli, FILE *err, const struct flags *f,
                      const char *from, uint8_t secret[NODE_SECRET_BYTES])
{
    char text[NODE_KEYSTORE_BYTES_MAX];
    size_t len = 0;
    struct td_addr addr;
    struct node_keystore_error why;
    struct node_password password;
    int code = read_source(cli, err, from, text, &len);
    size_t lead = 0;
    while (lead < len && strchr(" \t\r\n", text[lead]) != NULL && text[lead] != '\0')
        lead++;
    if (code == NODE_EXIT_OK && (lead == len || text[lead] != '{')) {
        if (!raw_key(secret, text, len))
            code = node_cli_fail(cli, err, NODE_EXIT_CONFIG,
                                 "%s: expected 64 hex digits or a version 3 keystore", from);
    } else if (code == NODE_EXIT_OK) {
        code = node_home_password(
            cli, err, f->source_password_file != NULL ? f->source_password_file : f->password_file,
            false, &password);
        if (code == NODE_EXIT_OK &&
            node_keystore_decode(secret, &addr, &why, td_bytes_of(text, len),
                                 td_bytes_of(password.text, password.len)) != TD_OK)
            code = node_cli_fail(cli, err, NODE_EXIT_CONFIG, "%s: %s", from, why.text);
        node_password_wipe(&password);
    }
    td_secret_wipe(text, sizeof text);
    return code;
}

static int import_key(const struct node_cli *cli, FILE *out, FILE *err, const struct flags *f)
{
    uint8_t secret[NODE_SECRET_BYTES] = {0};
    struct td_secp_key key;
    int code = check_name(cli, err, cli->words[0]);
    if (code == NODE_EXIT_OK)
        code = source_key(cli, err, f, cli->words[1], secret);
    if (code != NODE_EXIT_OK)
        return code;
    struct td_secp *secp = td_secp_new();
    TD_ASSERT(secp != NULL);
    enum td_error e = td_secp_key_init(secp, &key, secret);
    td_secret_wipe(secret, sizeof secret);
    if (e != TD_OK)
        code = node_cli_fail(cli, err, NODE_EXIT_CONFIG,
                             "%s: no key of secp256k1: it is 0, or not below the group's order",
                             cli->words[1]);
    else
        code = finish_key(cli, out, err, f, cli->words[0], secp, &key, f->new_guard);
    td_secp_free(secp);
    if (code == NODE_EXIT_OK && !f->new_guard)
        fprintf(err, "This key has no sign guard here.  If it has ever signed, bring its history: "
                     "tandem guard import FILE\nIf it never has: tandem guard new\n");
    return code;
}

static int run_import(FILE *out, FILE *err, int argc, char **argv)
{
    struct flags f = {0};
    const struct node_cli_flag flags[] = {
        {.name = "--password-file", .value = &f.password_file},
        {.name = "--source-password-file", .value = &f.source_password_file},
        {.name = "--new-guard", .seen = &f.new_guard},
        {.name = "--light", .seen = &f.light},
    };
    const struct node_cli_spec spec = {
        .command = "keys import",
        .usage =
            "usage: tandem keys import NAME FILE|- [--password-file F] [--new-guard] [--light]\n\n"
            "Reads 64 hex digits or a version 3 keystore and writes HOME/keys/NAME.json.\n\n"
            "  --password-file F         encrypts the new file, and opens a keystore, unless\n"
            "  --source-password-file F  does\n"
            "  --new-guard               an empty sign guard: only for a key that never signed",
        .flags = flags,
        .flag_count = sizeof flags / sizeof flags[0],
        .words_min = 2,
        .words_max = 2,
    };
    struct node_cli cli;
    int code = begin(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help)
        code = import_key(&cli, out, err, &f);
    node_cli_free(&cli);
    return code;
}

/* ---- export */

static int export_key(const struct node_cli *cli, FILE *out, FILE *err, const struct flags *f)
{
    struct node_key_file file;
    struct node_password password;
    struct node_keystore_error why;
    char text[NODE_KEYSTORE_BYTES_MAX];
    uint8_t secret[NODE_SECRET_BYTES] = {0};
    size_t len = 0;
    int code = node_home_signer(cli, err, cli->word_count > 0 ? cli->words[0] : NULL, &file);
    if (code != NODE_EXIT_OK)
        return code;
    if (!f->unsafe_raw) {
        if (node_keystore_read(text, &len, &why, file.path) != TD_OK)
            return node_cli_fail(cli, err, NODE_EXIT_IO, "%s: %s", file.path, why.text);
        fwrite(text, 1, len, out);
        return NODE_EXIT_OK;
    }
    code = node_home_password(cli, err, f->password_file, false, &password);
    if (code == NODE_EXIT_OK)
        code = node_home_unlock(cli, err, &file, &password, secret);
    node_password_wipe(&password);
    if (code == NODE_EXIT_OK) {
        char hex[2u * NODE_SECRET_BYTES + 3u];
        TD_ASSERT(td_hex_encode(hex, sizeof hex, TD_HEX_PREFIXED, secret, sizeof secret) == TD_OK);
        fprintf(out, "%s\n", hex);
        td_secret_wipe(hex, sizeof hex);
    }
    td_secret_wipe(secret, sizeof secret);
    return code;
}

static int run_export(FILE *out, FILE *err, int argc, char **argv)
{
    struct flags f = {0};
    const struct node_cli_flag flags[] = {
        {.name = "--password-file", .value = &f.password_file},
        {.name = "--unsafe-raw", .seen = &f.unsafe_raw},
    };
    const struct node_cli_spec spec = {
        .command = "keys export",
        .usage =
            "usage: tandem keys export [NAME] [--unsafe-raw --password-file F]\n\n"
            "Prints the encrypted keystore, or the bare key in hex.\n"
            "A validator key that moves must take its history along: `tandem guard export`.\n\n"
            "  --unsafe-raw  the bare key: whoever sees it can sign",
        .flags = flags,
        .flag_count = sizeof flags / sizeof flags[0],
        .words_max = 1,
    };
    struct node_cli cli;
    int code = begin(&cli, &spec, out, err, argc, argv);
    if (code == NODE_EXIT_OK && !cli.help)
        code = export_key(&cli, out, err, &f);
    node_cli_free(&cli);
    return code;
}

int node_keys_run(FILE *out, FILE *err, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(FILE *out, FILE *err, int argc, char **argv);
    } kinds[] = {
        {"new", run_new}, {"list", run_list}, {"import", run_import}, {"export", run_export}};
    static const char usage[] = "usage: tandem keys new|list|import|export [OPTION]…\n"
                                "`tandem keys new --help` and so on say more.\n";
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage, argc < 2 ? err : out);
        return argc < 2 ? NODE_EXIT_USAGE : NODE_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            return kinds[i].run(out, err, argc - 1, argv + 1);
    fprintf(err, "tandem keys: unknown subcommand \"%.32s\"\n%s", argv[1], usage);
    return NODE_EXIT_USAGE;
}
