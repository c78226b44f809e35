/* A strict reader of the Prometheus text exposition format 0.0.4: every family once, HELP, TYPE and
 * then all its samples, nothing of which a scraper would have to guess. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EXPOSITION_FAMILIES_MAX 128u
struct exposition {
    struct {
        char name[128];
        char type[16];
        uint32_t samples;
    } families[EXPOSITION_FAMILIES_MAX];
    uint32_t count;
    char fault[256]; /* empty: all is well */
};
void exposition_parse(struct exposition *x, const char *text, size_t len);
/* NULL: no such family.  Names of histogram series find their family. */
const char *exposition_type(const struct exposition *x, const char *name);
/* Value of a sample by its whole name, labels included; NULL: none.  Static memory. */
const char *exposition_value(const char *text, size_t len, const char *sample);
