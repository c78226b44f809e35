/* base/core/eip712 against the Mail example of EIP-712 and the typehashes other standards publish.
 * Method: every intermediate hash of the example, then each member kind and the Tandem domain
 * rebuilt word by word from Keccak alone. */
#include <criterion/criterion.h>

#include "base/core/eip712.h"
#include "base/core/hex.h"

#define MAIL_TYPE "Mail(Person from,Person to,string contents)Person(string name,address wallet)"
#define PERSON_TYPE "Person(string name,address wallet)"

static struct td_hash hash_of(const char *hex)
{
    struct td_hash h;
    cr_assert_eq(td_hex_decode_fixed(h.b, 32, TD_HEX_BARE, hex, strlen(hex)), TD_OK);
    return h;
}

static struct td_addr addr_of(const char *text)
{
    struct td_addr a;
    cr_assert_eq(td_addr_parse(&a, text, strlen(text)), TD_OK);
    return a;
}

static void expect_hash(const struct td_hash *got, const char *want, const char *what)
{
    struct td_hash w = hash_of(want);
    cr_expect(td_hash_eq(got, &w), "%s", what);
}

static struct td_hash person(const char *name, const char *wallet)
{
    struct td_eip712_struct s;
    struct td_hash type, out;
    struct td_addr a = addr_of(wallet);
    td_eip712_typehash(&type, PERSON_TYPE);
    td_eip712_struct_init(&s, &type);
    td_eip712_put_dynamic(&s, td_bytes_of_text(name));
    td_eip712_put_addr(&s, &a);
    td_eip712_struct_final(&s, &out);
    return out;
}

Test(base_eip712, mail_example)
{
    struct td_hash type, from, to, mail, domain, digest;
    struct td_eip712_struct s;
    struct td_addr contract = addr_of("0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC");
    td_eip712_typehash(&type, MAIL_TYPE);
    expect_hash(&type, "a0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2", "type");
    from = person("Cow", "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");
    to = person("Bob", "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB");
    td_eip712_struct_init(&s, &type);
    td_eip712_put_hash(&s, &from);
    td_eip712_put_hash(&s, &to);
    td_eip712_put_dynamic(&s, td_bytes_of_text("Hello, Bob!"));
    td_eip712_struct_final(&s, &mail);
    expect_hash(&mail, "c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e", "mail");
    td_eip712_domain_hash(&domain, &(struct td_eip712_domain){.name = "Ether Mail",
                                                              .version = "1",
                                                              .has_chain_id = true,
                                                              .chain_id = 1,
                                                              .verifying_contract = &contract});
    expect_hash(&domain, "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f",
                "domain");
    td_eip712_digest(&digest, &domain, &mail);
    expect_hash(&digest, "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2",
                "digest");
}

/* The words that hashStruct absorbs, written out by hand. */
Test(base_eip712, member_words)
{
    uint8_t words[6 * 32] = {0};
    struct td_hash type = {{[0] = 7}};
    struct td_hash got, want;
    struct td_addr addr;
    struct td_wei wei = {{4, 3, 2, 1}};
    struct td_eip712_struct s;
    memset(addr.b, 0xAD, sizeof addr.b);
    words[0] = 7;
    for (unsigned i = 0; i < 8; i++)
        words[32 + 24 + i] = (uint8_t)(0x11 * (i + 1));
    words[64 + 31] = 1;
    memset(words + 128 + 12, 0xAD, 20);
    for (unsigned i = 0; i < 4; i++)
        words[160 + 8 * i + 7] = (uint8_t)(i + 1);
    td_eip712_struct_init(&s, &type);
    td_eip712_put_u64(&s, 0x1122334455667788);
    td_eip712_put_bool(&s, true);
    td_eip712_put_bool(&s, false);
    td_eip712_put_addr(&s, &addr);
    td_eip712_put_wei(&s, &wei);
    td_eip712_struct_final(&s, &got);
    td_keccak256(&want, words, sizeof words);
    cr_expect(td_hash_eq(&got, &want));
}

/* Every combination of members must have its own type string. */
Test(base_eip712, domain_of_every_member_combination)
{
    static const char *const MEMBERS[] = {"string name", "string version", "uint256 chainId",
                                          "address verifyingContract", "bytes32 salt"};
    struct td_addr contract = {{[19] = 3}};
    struct td_hash salt = {{[31] = 4}};
    for (unsigned mask = 0; mask < 32; mask++) {
        char type[160] = "EIP712Domain(";
        const char *comma = "";
        for (unsigned i = 0; i < 5; i++) {
            if (mask >> i & 1u) {
                strcat(strcat(type, comma), MEMBERS[i]);
                comma = ",";
            }
        }
        strcat(type, ")");
        struct td_hash typehash, got, want;
        struct td_eip712_struct s;
        td_eip712_typehash(&typehash, type);
        td_eip712_struct_init(&s, &typehash);
        if (mask & 1u)
            td_eip712_put_dynamic(&s, td_bytes_of_text("N"));
        if (mask & 2u)
            td_eip712_put_dynamic(&s, td_bytes_of_text("V"));
        if (mask & 4u)
            td_eip712_put_u64(&s, 5);
        if (mask & 8u)
            td_eip712_put_addr(&s, &contract);
        if (mask & 16u)
            td_eip712_put_hash(&s, &salt);
        td_eip712_struct_final(&s, &want);
        td_eip712_domain_hash(&got, &(struct td_eip712_domain){
                                        .name = mask & 1u ? "N" : NULL,
                                        .version = mask & 2u ? "V" : NULL,
                                        .has_chain_id = (mask & 4u) != 0,
                                        .chain_id = 5,
                                        .verifying_contract = mask & 8u ? &contract : NULL,
                                        .salt = mask & 16u ? &salt : NULL,
                                    });
        cr_expect(td_hash_eq(&got, &want), "%s", type);
    }
}

/* keccak(typehash | chainId | contract | keccak(L2 id | genesis)), each word by hand. */
Test(base_eip712, tandem_domain)
{
    uint8_t preimage[40] = {0, 0, 0, 0, 0, 0, 0x02, 0x9A}; /* 666 */
    uint8_t words[4 * 32] = {0};
    struct td_addr contract;
    struct td_hash genesis, salt, type, got, want, other;
    memset(contract.b, 0xC0, sizeof contract.b);
    memset(genesis.b, 0x6E, sizeof genesis.b);
    memset(preimage + 8, 0x6E, 32);
    td_keccak256(&salt, preimage, sizeof preimage);
    td_eip712_typehash(&type,
                       "EIP712Domain(uint256 chainId,address verifyingContract,bytes32 salt)");
    memcpy(words, type.b, 32);
    words[62] = 0x7A; /* 31337 */
    words[63] = 0x69;
    memset(words + 64 + 12, 0xC0, 20);
    memcpy(words + 96, salt.b, 32);
    td_keccak256(&want, words, sizeof words);
    td_eip712_domain_tandem(&got, 31337, &contract, 666, &genesis);
    cr_expect(td_hash_eq(&got, &want));
    td_eip712_domain_tandem(&other, 31337, &contract, 667, &genesis);
    cr_expect(!td_hash_eq(&got, &other));
}
