/* The four memory functions base/core may use, in hosted and freestanding builds alike.
 *
 * Compilers emit calls to these even in freestanding mode, so the guest must supply them
 * anyway; <string.h> itself is not a freestanding header. */
#pragma once

#include <stddef.h>

#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);
/* -ffreestanding makes them functions like any other: small copies of known size and alignment are
 * to be loads and stores all the same. */
#define memcpy(to, from, len) __builtin_memcpy(to, from, len)
#define memset(to, value, len) __builtin_memset(to, value, len)
#endif
