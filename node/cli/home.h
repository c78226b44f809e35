/* The folder of a node: what lies where, and how each file is made and read.
 *
 *     HOME/ 0700
 *       tandem.toml            this node's options
 *       genesis.json           the chain
 *       keys/ 0700  NAME.json  Ethereum keystores, 0600; transport.key: 64 hex digits, 0600
 *       guard.db               what the validator key has signed
 *       data/  logs/           made by `init`, filled by the node
 *
 * 1. Nothing here replaces a file.
 * 2. Files with a secret are refused unless their owner alone can read them (exit 77).
 * 3. Every function that takes `err` has written a complaint of at most three lines there when it
 *    returns an exit code other than NODE_EXIT_OK. */
#pragma once

#include "node/cli/options.h"
#include "node/genesis/genesis.h"
#include "node/keys/keystore.h"
#include "storage/guard.h"

#define NODE_KEY_NAME_MAX 64u /* bytes; letters, digits, - _ . and no leading dot */
#define NODE_KEYS_MAX 256u    /* files of one folder that are looked at */

struct node_password {
    char text[NODE_PASSWORD_BYTES_MAX];
    size_t len;
};

/* A key file as far as it is known without its password. */
struct node_key_file {
    char name[NODE_KEY_NAME_MAX + 1u];
    char path[NODE_PATH_BYTES];
    bool readable; /* false: `error` says why */
    enum td_error status;
    struct td_addr addr;
    struct node_keystore_error error;
};

/* Make the folder and those above it, 0700; one that is there stays as it is.  `made` may be NULL.
 */
int node_home_folder(const struct node_cli *cli, FILE *err, const char *path, bool *made);

/* Write `text` as a new file.  TD_E_EXISTS, TD_E_IO with errno. */
TD_MUST_CHECK enum td_error node_home_write(const char *path, const char *text, size_t len,
                                            unsigned mode);

/* HOME/genesis.json.  node_genesis_free after NODE_EXIT_OK. */
int node_home_genesis(const struct node_cli *cli, FILE *err, struct node_genesis *g);

/* ---- keys */

bool node_key_name_good(const char *name);
void node_home_key_path(char out[NODE_PATH_BYTES], const struct node_cli *cli, const char *name);

/* Look at one key file; fills *out whatever it is. */
void node_home_key_look(struct node_key_file *out, const char *path);

/* Fill files[cap], sorted by name; returns how many there are, cap at most. */
size_t node_home_keys(const struct node_cli *cli, struct node_key_file *files, size_t cap);

/* The key that signs: `name` if not NULL, [signer] keystore, or the only one in HOME/keys. */
int node_home_signer(const struct node_cli *cli, FILE *err, const char *name,
                     struct node_key_file *out);

/* Open a key file.  The key is checked against the address that the file names. */
int node_home_unlock(const struct node_cli *cli, FILE *err, const struct node_key_file *file,
                     const struct node_password *password, uint8_t secret[NODE_SECRET_BYTES]);

/* From `file`, or [signer] password_file, or typed twice (`fresh`) or once; without either file and
 * terminal an error. */
int node_home_password(const struct node_cli *cli, FILE *err, const char *file, bool fresh,
                       struct node_password *out);
void node_password_wipe(struct node_password *p);

/* ---- transport key */

/* Draw one and write it to HOME/keys/transport.key.  An existing one stays and *made is false. */
int node_home_transport_new(const struct node_cli *cli, FILE *err, bool *made);
int node_home_transport(const struct node_cli *cli, FILE *err, uint8_t secret[32]);
/* What peers know the node by. */
void node_transport_public(uint8_t out[32], const uint8_t secret[32]);

/* ---- sign guard */

void node_home_guard_path(char out[NODE_PATH_BYTES], const struct node_cli *cli);
/* A guard that remembers nothing.  TD_E_EXISTS, TD_E_IO. */
TD_MUST_CHECK enum td_error node_home_guard_new(const char *path, const struct td_addr *validator,
                                                const struct td_hash *genesis,
                                                struct store_error *error);
/* The exit code for what store_guard_open answered. */
int node_guard_exit(enum td_error e);
