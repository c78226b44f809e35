/* A program for both the emulator and qemu-riscv32 (a Linux process): hashes, 64-bit arithmetic
 * from libgcc, and mem.c at every alignment, all into one buffer, which it then asks Linux to
 * write.  The emulator has no call 64 and stops there; test_differential compares the buffers. */
#include "base/core/field.h"
#include "base/core/keccak.h"
#include "base/core/poseidon2.h"
#include "executor/crypto/ripemd160.h"
#include "executor/crypto/sha256.h"

#define STACK_BYTES 65536u
#define ROOM 200u

uint8_t guest_stack[STACK_BYTES] __attribute__((aligned(16)));
static uint8_t result[8192];
static size_t filled;
static uint8_t from[ROOM], to[ROOM];

void guest_main(void);

__asm__(".section .guest_start, \"ax\"\n"
        ".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        "    la sp, guest_stack\n"
        "    li t0, 65536\n"
        "    add sp, sp, t0\n"
        "    call guest_main\n"
        "    ebreak\n");

static void put(const void *bytes, size_t len)
{
    if (filled + len <= sizeof result)
        memcpy(result + filled, bytes, len);
    filled += len;
}

static void put_u64(uint64_t v)
{
    put(&v, sizeof v);
}

/* One digest over many memory operations, so that each contributes. */
static void memory_functions(void)
{
    struct td_keccak k;
    struct td_hash h;
    td_keccak_init(&k);
    for (uint32_t i = 0; i < 4 * 4 * 60; i++) {
        uint32_t a = i & 3, b = i >> 2 & 3, len = i >> 4;
        for (uint32_t j = 0; j < ROOM; j++) {
            from[j] = (uint8_t)(j * 31 + i);
            to[j] = (uint8_t)(j * 17 + i);
        }
        memcpy(to + a, from + b, len);
        memmove(to + 70 + a, to + 70 + b, len);
        memset(to + 140 + a, (int)i, len < 50 ? len : 50);
        uint32_t order = (uint32_t)memcmp(to + a, from + b, len + 4) + 1;
        td_keccak_update(&k, to, sizeof to);
        td_keccak_update(&k, &order, sizeof order);
    }
    td_keccak_final(&k, &h);
    put(h.b, sizeof h.b);
}

static void wide_arithmetic(void)
{
    uint64_t x = UINT64_C(0x9E3779B97F4A7C15), y = 1;
    volatile uint32_t zero = 0; /* nothing here is folded away */
    x += zero;
    for (uint32_t i = 0; i < 64; i++) {
        y = y * x + i;
        put_u64(y / (x >> (i & 63) | 1));
        put_u64(y % (x >> (i & 63) | 1));
        put_u64((uint64_t)((int64_t)y / (int64_t)(x >> (i & 63) | 1)));
        put_u64((uint64_t)((int64_t)y >> (i & 63)) ^ y << (i & 63) ^ y >> (i & 63));
        put_u64((uint64_t)((int64_t)(int32_t)y * (int32_t)x));
        x ^= y >> 7;
    }
}

static void hashes(void)
{
    for (uint32_t len = 0; len < ROOM; len += 13) {
        uint8_t digest[32];
        struct td_hash h;
        struct td_p2_digest d;
        struct td_kb e[ROOM];
        for (uint32_t i = 0; i < len; i++)
            e[i] = td_kb_of_u64((uint64_t)from[i] * UINT64_C(0x123456789AB));
        td_keccak256(&h, from, len);
        put(h.b, sizeof h.b);
        exec_sha256(digest, from, len);
        put(digest, 32);
        exec_ripemd160(digest, from, len);
        put(digest, 20);
        td_p2_hash(&d, TD_P2_RECORD, e, len);
        put(d.e, sizeof d.e);
    }
}

void guest_main(void)
{
    memory_functions();
    wide_arithmetic();
    hashes();
    register uintptr_t a0 __asm__("a0") = 1;
    register uintptr_t a1 __asm__("a1") = (uintptr_t)result;
    register uintptr_t a2 __asm__("a2") = filled < sizeof result ? filled : sizeof result;
    register uintptr_t a7 __asm__("a7") = 64; /* write */
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    a0 = 0;
    a7 = 93; /* exit */
    __asm__ volatile("ecall" : : "r"(a0), "r"(a7));
}
