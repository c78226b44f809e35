#include "base/core/eip712.h"

#include "base/core/codec.h"

void td_eip712_typehash(struct td_hash *out, const char *type)
{
    struct td_bytes text = td_bytes_of_text(type);
    td_keccak256(out, text.ptr, text.len);
}

void td_eip712_struct_init(struct td_eip712_struct *s, const struct td_hash *typehash)
{
    td_keccak_init(&s->k);
    td_keccak_update(&s->k, typehash->b, TD_HASH_BYTES);
}

void td_eip712_put_u64(struct td_eip712_struct *s, uint64_t v)
{
    uint8_t word[32] = {0};
    for (unsigned i = 0; i < 8; i++)
        word[31 - i] = (uint8_t)(v >> (8u * i));
    td_keccak_update(&s->k, word, sizeof word);
}

void td_eip712_put_wei(struct td_eip712_struct *s, const struct td_wei *v)
{
    uint8_t word[TD_WEI_BYTES];
    td_wei_encode(word, v);
    td_keccak_update(&s->k, word, sizeof word);
}

void td_eip712_put_bool(struct td_eip712_struct *s, bool v)
{
    td_eip712_put_u64(s, v ? 1 : 0);
}

void td_eip712_put_addr(struct td_eip712_struct *s, const struct td_addr *v)
{
    uint8_t word[32] = {0};
    memcpy(word + sizeof word - TD_ADDR_BYTES, v->b, TD_ADDR_BYTES);
    td_keccak_update(&s->k, word, sizeof word);
}

void td_eip712_put_hash(struct td_eip712_struct *s, const struct td_hash *v)
{
    td_keccak_update(&s->k, v->b, TD_HASH_BYTES);
}

void td_eip712_put_dynamic(struct td_eip712_struct *s, struct td_bytes v)
{
    struct td_hash h;
    td_keccak256(&h, v.ptr, v.len);
    td_eip712_put_hash(s, &h);
}

void td_eip712_struct_final(struct td_eip712_struct *s, struct td_hash *out)
{
    td_keccak_final(&s->k, out);
}

/* Append "type name" to the member list of encodeType(EIP712Domain). */
static void put_member(struct td_keccak *k, bool *first, const char *member)
{
    struct td_bytes text = td_bytes_of_text(member);
    if (!*first)
        td_keccak_update(k, ",", 1);
    *first = false;
    td_keccak_update(k, text.ptr, text.len);
}

static void domain_typehash(struct td_hash *out, const struct td_eip712_domain *d)
{
    struct td_keccak k;
    bool first = true;
    td_keccak_init(&k);
    td_keccak_update(&k, "EIP712Domain(", 13);
    if (d->name != NULL)
        put_member(&k, &first, "string name");
    if (d->version != NULL)
        put_member(&k, &first, "string version");
    if (d->has_chain_id)
        put_member(&k, &first, "uint256 chainId");
    if (d->verifying_contract != NULL)
        put_member(&k, &first, "address verifyingContract");
    if (d->salt != NULL)
        put_member(&k, &first, "bytes32 salt");
    td_keccak_update(&k, ")", 1);
    td_keccak_final(&k, out);
}

void td_eip712_domain_hash(struct td_hash *out, const struct td_eip712_domain *domain)
{
    struct td_eip712_struct s;
    struct td_hash typehash;
    domain_typehash(&typehash, domain);
    td_eip712_struct_init(&s, &typehash);
    if (domain->name != NULL)
        td_eip712_put_dynamic(&s, td_bytes_of_text(domain->name));
    if (domain->version != NULL)
        td_eip712_put_dynamic(&s, td_bytes_of_text(domain->version));
    if (domain->has_chain_id)
        td_eip712_put_u64(&s, domain->chain_id);
    if (domain->verifying_contract != NULL)
        td_eip712_put_addr(&s, domain->verifying_contract);
    if (domain->salt != NULL)
        td_eip712_put_hash(&s, domain->salt);
    td_eip712_struct_final(&s, out);
}

void td_eip712_domain_tandem(struct td_hash *out, uint64_t l1_chain_id,
                             const struct td_addr *contract, uint64_t l2_chain_id,
                             const struct td_hash *genesis_hash)
{
    uint8_t preimage[8 + TD_HASH_BYTES];
    struct td_writer w;
    struct td_hash salt;
    td_writer_init(&w, preimage, sizeof preimage);
    td_put_u64(&w, l2_chain_id);
    td_put_hash(&w, genesis_hash);
    td_keccak256(&salt, preimage, sizeof preimage);
    td_eip712_domain_hash(out, &(struct td_eip712_domain){
                                   .has_chain_id = true,
                                   .chain_id = l1_chain_id,
                                   .verifying_contract = contract,
                                   .salt = &salt,
                               });
}

void td_eip712_digest(struct td_hash *out, const struct td_hash *domain,
                      const struct td_hash *struct_hash)
{
    struct td_keccak k;
    td_keccak_init(&k);
    td_keccak_update(&k, "\x19\x01", 2);
    td_keccak_update(&k, domain->b, TD_HASH_BYTES);
    td_keccak_update(&k, struct_hash->b, TD_HASH_BYTES);
    td_keccak_final(&k, out);
}
