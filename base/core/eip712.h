/* EIP-712 typed structured data hashing: what validators sign and what L1 recomputes.
 *
 *     digest = keccak(0x19 0x01 | domainSeparator | hashStruct(message))
 *     hashStruct(s) = keccak(typeHash | word | word ...)      one 32-byte word per member
 *
 * 1. The builder appends members in declaration order; it cannot know the type string, so the
 *    caller keeps both in step and a golden vector per message kind holds them together.
 * 2. Integers, booleans and addresses are right-aligned in their word; bytes32 fills it; bytes
 *    and string contribute their keccak; a nested struct contributes its hashStruct. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/core/keccak.h"
#include "base/core/types.h"

/* Members of EIP712Domain; present members are hashed in the EIP's order. */
struct td_eip712_domain {
    const char *name;    /* NULL = absent */
    const char *version; /* NULL = absent */
    bool has_chain_id;
    uint64_t chain_id;
    const struct td_addr *verifying_contract; /* NULL = absent */
    const struct td_hash *salt;               /* NULL = absent */
};

struct td_eip712_struct {
    struct td_keccak k;
};

/* keccak of an encodeType string such as "Vote(uint64 epoch,...)". */
void td_eip712_typehash(struct td_hash *out, const char *type);

/* Start hashStruct for a type, then put its members in order, then final. */
void td_eip712_struct_init(struct td_eip712_struct *s, const struct td_hash *typehash);
void td_eip712_put_u64(struct td_eip712_struct *s, uint64_t v);
void td_eip712_put_wei(struct td_eip712_struct *s, const struct td_wei *v); /* uint256 */
void td_eip712_put_bool(struct td_eip712_struct *s, bool v);
void td_eip712_put_addr(struct td_eip712_struct *s, const struct td_addr *v);
void td_eip712_put_hash(struct td_eip712_struct *s, const struct td_hash *v); /* bytes32, struct */
void td_eip712_put_dynamic(struct td_eip712_struct *s, struct td_bytes v);    /* bytes, string */
void td_eip712_struct_final(struct td_eip712_struct *s, struct td_hash *out);

/* domainSeparator of any combination of members. */
void td_eip712_domain_hash(struct td_hash *out, const struct td_eip712_domain *domain);

/* Tandem's domain: EIP712Domain(uint256 chainId,address verifyingContract,bytes32 salt) with the
 * L1 chain id, the rollup contract, and salt = keccak(L2 chain id, u64 big-endian | genesis hash).
 * A signature is thus bound to one network on one L1. */
void td_eip712_domain_tandem(struct td_hash *out, uint64_t l1_chain_id,
                             const struct td_addr *contract, uint64_t l2_chain_id,
                             const struct td_hash *genesis_hash);

/* The digest to sign. */
void td_eip712_digest(struct td_hash *out, const struct td_hash *domain,
                      const struct td_hash *struct_hash);
