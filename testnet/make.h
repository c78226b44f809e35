/* Making the folders of a local network: keys, one genesis, one tandem.toml per node. */
#pragma once

#include "testnet/network.h"

/* Make everything in t->dir, where no network may be.  Returns an exit code; on one other than
 * NODE_EXIT_OK a complaint is on `err`. */
int testnet_make(const struct testnet *t, const struct node_cli *cli, FILE *err);

/* Write the nodes' tandem.toml again, for other ports than they were made with. */
int testnet_configure(const struct testnet *t, const struct node_cli *cli, FILE *err);

/* Remove what testnet_make and the nodes put into t->dir: DIR/nK and the files
 * beside them. */
int testnet_remove(const struct testnet *t, const struct node_cli *cli, FILE *err);
