#include "p2p/record.h"

#include <string.h>

#include "base/core/assert.h"
#include "base/core/codec.h"
#include "base/core/keccak.h"

static bool is_host(const char *host, size_t len)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
    if (len == 0 || len > P2P_HOST_BYTES_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (host[i] == '\0' || strchr(allowed, host[i]) == NULL)
            return false;
    return true;
}

enum td_error p2p_record_init(struct p2p_record *r, uint64_t sequence,
                              const uint8_t transport[P2P_NOISE_KEY_BYTES],
                              const struct td_addr *validator, const char *host, uint16_t port)
{
    size_t len = strlen(host);
    memset(r, 0, sizeof *r);
    if (port == 0 || !is_host(host, len))
        return TD_E_RANGE;
    r->sequence = sequence;
    memcpy(r->transport, transport, P2P_NOISE_KEY_BYTES);
    r->validator = *validator;
    r->port = port;
    r->host_bytes = (uint32_t)len;
    memcpy(r->host, host, len);
    return TD_OK;
}

static size_t encode_fields(uint8_t out[P2P_RECORD_BYTES_MAX], const struct p2p_record *r)
{
    struct td_writer w;
    td_writer_init(&w, out, P2P_RECORD_BYTES_MAX);
    td_put_u8(&w, P2P_RECORD_VERSION);
    td_put_u64(&w, r->sequence);
    td_put_bytes(&w, r->transport, P2P_NOISE_KEY_BYTES);
    td_put_addr(&w, &r->validator);
    td_put_u16(&w, r->port);
    td_put_u8(&w, (uint8_t)r->host_bytes);
    td_put_bytes(&w, r->host, r->host_bytes);
    TD_ASSERT(w.err == TD_OK);
    return w.len;
}

void p2p_record_digest(struct td_hash *out, const struct p2p_record *r,
                       const struct p2p_chain *chain)
{
    uint8_t fields[P2P_RECORD_BYTES_MAX], id[8];
    size_t len = encode_fields(fields, r);
    struct td_keccak k;
    for (unsigned i = 0; i < 8; i++)
        id[i] = (uint8_t)(chain->chain_id >> (56u - 8u * i));
    td_keccak_init(&k);
    td_keccak_update(&k, "TandemRecord1", 13);
    td_keccak_update(&k, id, sizeof id);
    td_keccak_update(&k, chain->genesis.b, TD_HASH_BYTES);
    td_keccak_update(&k, fields, len);
    td_keccak_final(&k, out);
}

size_t p2p_record_encode(uint8_t out[P2P_RECORD_BYTES_MAX], const struct p2p_record *r)
{
    size_t len = encode_fields(out, r);
    memcpy(out + len, r->sig.b, TD_SIG_BYTES);
    return len + TD_SIG_BYTES;
}

enum td_error p2p_record_decode(struct p2p_record *r, struct td_bytes bytes)
{
    struct td_reader in;
    memset(r, 0, sizeof *r);
    td_reader_init(&in, bytes.ptr, bytes.len);
    uint8_t version = td_get_u8(&in);
    if (in.err == TD_OK && version != P2P_RECORD_VERSION)
        return TD_E_UNSUPPORTED;
    r->sequence = td_get_u64(&in);
    td_get_bytes(&in, r->transport, P2P_NOISE_KEY_BYTES);
    td_get_addr(&in, &r->validator);
    r->port = td_get_u16(&in);
    r->host_bytes = td_get_u8(&in);
    if (r->host_bytes > P2P_HOST_BYTES_MAX)
        td_reader_fail(&in, TD_E_MALFORMED);
    else
        td_get_bytes(&in, r->host, r->host_bytes);
    td_get_sig(&in, &r->sig);
    enum td_error err = td_reader_finish(&in);
    if (err == TD_OK && (r->port == 0 || !is_host(r->host, r->host_bytes)))
        err = TD_E_MALFORMED;
    if (err != TD_OK)
        memset(r, 0, sizeof *r);
    return err;
}

enum td_error p2p_record_verify(const struct p2p_record *r, const struct td_secp *secp,
                                const struct p2p_chain *chain)
{
    static const struct td_sig none;
    struct td_hash digest;
    struct td_addr signer;
    if (td_addr_is_zero(&r->validator))
        return td_sig_eq(&r->sig, &none) ? TD_OK : TD_E_SIGNATURE;
    p2p_record_digest(&digest, r, chain);
    if (td_secp_recover(secp, &signer, NULL, &digest, &r->sig) != TD_OK ||
        !td_addr_eq(&signer, &r->validator))
        return TD_E_SIGNATURE;
    return TD_OK;
}
