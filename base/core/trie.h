/* Merkle-Patricia trie root of a whole set of pairs (Ethereum Yellow Paper, appendix D): what a
 * block header calls transactionsRoot, receiptsRoot and stateRoot.  There is no trie to update and
 * no database: sort the pairs, then fold them into one digest.
 *
 *     pairs sharing the nibbles before `depth`       node
 *     exactly one                                    leaf       [path, value]
 *     they also share the nibbles depth .. d         extension  [path, branch at d]
 *     they differ at nibble d                        branch     16 children, value of the key
 *                                                               that ends here
 *
 * A parent holds a node by its keccak256, or by its RLP itself when that is below 32 bytes.
 *
 * 1. A set has one root, whatever the order of its pairs.
 * 2. An empty value means that the key is absent, as it does in Ethereum.
 * 3. Nothing recurses: at most one open branch per nibble of a key, on a stack from the arena. */
#pragma once

#include "base/core/arena.h"
#include "base/core/error.h"
#include "base/core/types.h"

/* Keys are hashes, addresses or short RLP: nothing longer exists. */
#define TD_TRIE_KEY_BYTES_MAX 32u

/* keccak256(0x80): the root without any pair. */
extern const struct td_hash TD_TRIE_EMPTY_ROOT;

struct td_trie_pair {
    struct td_bytes key; /* borrowed; at most TD_TRIE_KEY_BYTES_MAX */
    struct td_bytes value;
};

/* Arena bytes that suffice for each function below, given the number of pairs and the longest
 * value; SIZE_MAX when that does not fit a size_t. */
size_t td_trie_arena_bytes(size_t count, size_t value_bytes_max);

/* Set *root from pairs[0 .. count), which come back sorted by key.  The arena is scratch: its
 * position is restored.  Cost: O(count log count) comparisons and one keccak a node.
 * TD_E_RANGE: a key too long.  TD_E_EXISTS: a key twice.  TD_E_NOSPACE: the arena is too small.
 * On error *root is zero and the order unspecified. */
TD_MUST_CHECK enum td_error td_trie_root(struct td_hash *root, struct td_trie_pair *pairs,
                                         size_t count, struct td_arena *arena);

/* The same over keccak256(key) in place of each key ("secure": the state's and storage's form);
 * keys may be of any length, and the pairs stay as they are. */
TD_MUST_CHECK enum td_error td_trie_secure_root(struct td_hash *root,
                                                const struct td_trie_pair *pairs, size_t count,
                                                struct td_arena *arena);

/* The same over a list: key i is rlp(i).  An empty item is TD_E_RANGE: a list has no gaps. */
TD_MUST_CHECK enum td_error td_trie_list_root(struct td_hash *root, const struct td_bytes *items,
                                              size_t count, struct td_arena *arena);
