/* The writer's insides, shared by chain.c (opening, transactions), chain_write.c (puts) and
 * chain_copy.c (drafts). */
#pragma once

#include <limits.h>

#include "storage/chain_internal.h"

enum store_statement {
    STORE_W_BEGIN,
    STORE_W_COMMIT,
    STORE_W_DROP_ITEM,
    STORE_W_DROP_HEADERS,
    STORE_W_DROP_PAYLOADS,
    STORE_W_DROP_SEEN,
    STORE_W_FIND_BLOCK,
    STORE_W_FLOOR,
    STORE_W_PRUNE_NEXT,
    STORE_W_PRUNE_PAYLOAD,
    STORE_W_PRUNE_RECEIPTS,
    STORE_W_PRUNE_TXS,
    STORE_W_PRUNE_LOGS,
    STORE_W_PUT, /* + table: its INSERT */
    STORE_W_END = STORE_W_PUT + STORE_TABLES_END,
};

struct store_chain {
    sqlite3 *db;
    char *path;
    int lock_fd;
    sqlite3_stmt *statements[STORE_W_END];
    int log_pages, log_checkpointed; /* frames of the log; those the last checkpoint saw */
    int checkpoint_pages;            /* tests make it small */
    bool open;                       /* between begin and commit */
    bool dead;
    enum td_error failed; /* the first error since begin; stays once dead */
    struct store_error why;
};

/* Remember the first failure. */
void store_writer_fail(struct store_chain *c, int rc);
int store_writer_prepare(struct store_chain *c);
void store_writer_finalize(struct store_chain *c);

/* ---- drafts: a database is made under PATH.new and gets its name when it is whole */

TD_MUST_CHECK enum td_error store_draft_make(char draft[PATH_MAX], const char *path,
                                             struct store_error *error);
/* The draft under its name if err is TD_OK; gone in any case.  Returns err or what failed here. */
TD_MUST_CHECK enum td_error store_draft_end(const char *draft, const char *path, enum td_error err,
                                            struct store_error *error);
