/* Texts of the verdicts: metric labels, so they never change.  [P-13.3] */
#include "consensus/verdict.h"

#define VERDICT_TEXT(name, text) [name] = (text),
static const char *const TEXT[BFT_VERDICT_COUNT] = {BFT_VERDICT_LIST(VERDICT_TEXT)};
#undef VERDICT_TEXT

const char *bft_verdict_text(enum bft_verdict v)
{
    if ((unsigned)v >= BFT_VERDICT_COUNT)
        return "unknown verdict";
    return TEXT[v];
}
