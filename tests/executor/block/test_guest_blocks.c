/* The node and the proven program agree: random blocks executed natively, then as a guest in the
 * emulator; the nine words must be the statement's digest.
 *
 *     test_guest_blocks GUEST.elf BLOCKS PER_RUN SEED
 *
 * A plain main: Criterion's process per test would pay the set-up each time. */
#define _GNU_SOURCE 1 /* MAP_ANONYMOUS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/core/assert.h"
#include "executor/rv32/machine.h"
#include "tests/executor/block/random.h"

struct guest {
    struct rv32_program program;
    uint8_t *elf;
};

static void guest_load(struct guest *g, const char *path)
{
    size_t cap = (size_t)16 << 20;
    FILE *f = fopen(path, "rb");
    g->elf = malloc(cap);
    TD_ASSERT(f != NULL && g->elf != NULL);
    size_t len = fread(g->elf, 1, cap, f);
    (void)fclose(f);
    enum rv32_load verdict = rv32_program_decode(&g->program, td_bytes_of(g->elf, len));
    TD_ASSERT(verdict == RV32_LOADED);
}

/* Runs the input; true and the words when it halted. */
static bool guest_run(const struct guest *g, const uint32_t *words, size_t count,
                      uint32_t output[RV32_OUTPUT_WORDS], uint64_t *instructions)
{
    size_t bytes = rv32_footprint(&g->program, RV32_RAM_BYTES_MAX);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TD_ASSERT(memory != MAP_FAILED);
    uint32_t *input = malloc(4u * (count + 1u));
    input[0] = (uint32_t)(4u * count);
    memcpy(input + 1, words, 4u * count);
    struct rv32_machine m;
    enum td_error err =
        rv32_init(&m, &g->program, memory, RV32_RAM_BYTES_MAX, (uint8_t *)input, 4u * (count + 1u));
    TD_ASSERT(err == TD_OK);
    enum rv32_stop stop = rv32_run(&m, UINT64_C(1) << 34);
    *instructions += rv32_instructions(&m);
    memcpy(output, m.output, sizeof m.output);
    if (stop != RV32_STOP_HALT)
        printf("guest stopped at 0x%08x: %s\n", m.pc, rv32_stop_text(stop));
    (void)munmap(memory, bytes);
    free(input);
    return stop == RV32_STOP_HALT;
}

/* What transactions paid for covers what the block publishes on L1. */
static void check_published(const struct chain *c)
{
    uint64_t paid = EXEC_PUBDATA_BLOCK_BYTES;
    for (uint32_t i = 0; i < c->l.block.payload_count; i++) {
        const struct exec_tx_result *x = &c->l.result.txs[i];
        struct exec_inbox_op op;
        if (x->verdict == EXEC_TX_OK)
            paid += x->receipt.pubdata_bytes;
        if (exec_inbox_decode(&op, c->l.block.payload[i]) == TD_OK && op.kind == EXEC_INBOX_RAW)
            paid += EXEC_PUBDATA_MINT_BYTES;
    }
    TD_ASSERT(c->l.result.data_on.len <= paid);
}

/* A word that is the same element under another number, in a sibling and in a leaf: with chips the
 * calls refuse siblings, the program refuses leaves. */
static bool foreign_words_stop(const struct guest *g, struct random_blocks *r)
{
    static const uint32_t sections[] = {EXEC_WITNESS_SIBLINGS, EXEC_WITNESS_PLACES};
    uint32_t output[RV32_OUTPUT_WORDS];
    uint64_t instructions = 0;
    size_t count, at = 0;
    chain_run_begin(r->c);
    chain_block(r->c, false);
    uint32_t *words = (uint32_t *)(uintptr_t)chain_run_words(r->c, &count);
    while (words[at] != EXEC_WITNESS_MAGIC || words[at + 1u] != EXEC_WITNESS_VERSION)
        at++;
    bool fine = guest_run(g, words, count, output, &instructions);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t *word = words + at + words[at + 5u + 2u * sections[i]] + 1u;
        *word += TD_KB_P;
        fine = fine && !guest_run(g, words, count, output, &instructions);
        *word -= TD_KB_P;
    }
    return fine;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 64;
    uint32_t blocks = (uint32_t)atoi(argv[2]), per_run = (uint32_t)atoi(argv[3]);
    struct guest guest;
    struct random_blocks r;
    guest_load(&guest, argv[1]);
    random_blocks_init(&r, strtoull(argv[4], NULL, 10));
    r.c->l.slopes = false; /* the image has chips */
    uint64_t instructions = 0, txs = 0, skipped = 0, failed = 0;
    for (uint32_t done = 0; done < blocks; done += per_run) {
        chain_run_begin(r.c);
        for (uint32_t i = 0; i < per_run; i++) {
            random_block(&r);
            check_published(r.c);
            txs += r.c->l.result.tx_count;
            skipped += r.c->l.result.skipped;
            for (uint32_t k = 0; k < r.c->l.block.payload_count; k++)
                failed += r.c->l.result.txs[k].verdict == EXEC_TX_OK &&
                          !r.c->l.result.txs[k].receipt.success;
        }
        size_t count;
        const uint32_t *words = chain_run_words(r.c, &count);
        struct exec_statement want = chain_run_statement(r.c);
        struct td_p2_digest digest;
        uint32_t output[RV32_OUTPUT_WORDS];
        exec_statement_digest(&digest, &want);
        if (!guest_run(&guest, words, count, output, &instructions) ||
            memcmp(output, digest.e, sizeof output) != 0) {
            printf("run of blocks %u to %u, seed %s: the guest says something else\n", done + 1u,
                   done + per_run, argv[4]);
            printf("0 passed, 1 failed, 0 skipped\n");
            return 1;
        }
    }
    printf("%u blocks, %lu transactions (%lu failed), %lu skipped, %u leaves, %lu instructions\n",
           blocks, (unsigned long)txs, (unsigned long)failed, (unsigned long)skipped,
           r.c->l.cursor.leaf_count, (unsigned long)instructions);
    bool stopped = foreign_words_stop(&guest, &r);
    random_blocks_free(&r);
    free(guest.elf);
    printf("%d passed, %d failed, 0 skipped\n", 1 + stopped, !stopped);
    return stopped ? 0 : 1;
}
