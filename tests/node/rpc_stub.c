#include "storage/chain.h"

enum td_error store_chain_reader_open(struct store_chain_reader **out, const char *path,
                                      const struct td_hash *genesis, struct store_error *error)
{
    (void)path, (void)genesis, (void)error;
    *out = NULL;
    return TD_E_NOTFOUND;
}

void store_chain_reader_close(struct store_chain_reader *r)
{
    (void)r;
}
