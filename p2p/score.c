#include <string.h>

#include "p2p/net_internal.h"

#define MINUTE_NS (60u * P2P_SECOND_NS)

int32_t p2p_score_now(int32_t score, uint64_t then_ns, uint64_t now_ns)
{
    uint64_t seconds = now_ns > then_ns ? (now_ns - then_ns) / P2P_SECOND_NS : 0;
    if (seconds >= P2P_SCORE_FULL || score + (int32_t)seconds >= P2P_SCORE_FULL)
        return P2P_SCORE_FULL;
    return score + (int32_t)seconds;
}

static const struct p2p_mark *find(const struct p2p_marks *m, const void *id, size_t len, bool ip)
{
    for (size_t i = 0; i < P2P_MARKS_MAX; i++)
        if (m->mark[i].used && m->mark[i].is_ip == ip && memcmp(m->mark[i].id, id, len) == 0)
            return &m->mark[i];
    return NULL;
}

/* The mark of `id`, a new one in place of what matters least: a free one, else the one whose ban
 * ends first, and among those without one the longest untouched. */
static struct p2p_mark *take(struct p2p_marks *m, const void *id, size_t len, bool ip, uint64_t now)
{
    struct p2p_mark *best = NULL;
    for (size_t i = 0; i < P2P_MARKS_MAX; i++) {
        struct p2p_mark *k = &m->mark[i];
        if (k->used && k->is_ip == ip && memcmp(k->id, id, len) == 0) {
            k->touched_ns = now;
            return k;
        }
        uint64_t ends = k->until_ns > now ? k->until_ns : 0;
        if (best == NULL || (best->used && !k->used)) {
            best = k;
            continue;
        }
        uint64_t best_ends = best->until_ns > now ? best->until_ns : 0;
        if (best->used &&
            (ends < best_ends || (ends == best_ends && k->touched_ns < best->touched_ns)))
            best = k;
    }
    *best = (struct p2p_mark){
        .used = true, .is_ip = ip, .score = P2P_SCORE_FULL, .score_ns = now, .touched_ns = now};
    memcpy(best->id, id, len);
    return best;
}

int32_t p2p_marks_score(const struct p2p_marks *m, const uint8_t key[32], uint64_t now_ns)
{
    const struct p2p_mark *k = find(m, key, 32, false);
    return k == NULL ? P2P_SCORE_FULL : p2p_score_now(k->score, k->score_ns, now_ns);
}

void p2p_marks_keep(struct p2p_marks *m, const uint8_t key[32], int32_t score, uint64_t now_ns)
{
    if (score >= P2P_SCORE_FULL && find(m, key, 32, false) == NULL)
        return;
    struct p2p_mark *k = take(m, key, 32, false, now_ns);
    k->score = score;
    k->score_ns = now_ns;
}

bool p2p_marks_banned(const struct p2p_marks *m, const uint8_t key[32], uint64_t now_ns)
{
    const struct p2p_mark *k = find(m, key, 32, false);
    return k != NULL && k->until_ns > now_ns;
}

bool p2p_marks_banned_ip(const struct p2p_marks *m, const struct p2p_ip *ip, uint64_t now_ns)
{
    const struct p2p_mark *k = find(m, ip->b, sizeof ip->b, true);
    return k != NULL && k->until_ns > now_ns;
}

static uint64_t ban(struct p2p_mark *k, uint64_t now_ns, uint64_t first_ns, uint64_t max_ns)
{
    uint64_t length = first_ns;
    for (uint32_t i = 0; i < k->bans && length < max_ns; i++)
        length *= 2u;
    if (length > max_ns)
        length = max_ns;
    k->bans++;
    k->until_ns = now_ns + length;
    k->score = P2P_SCORE_FULL; /* it comes back with a clean slate, and a longer ban ahead */
    k->score_ns = now_ns;
    return length;
}

uint64_t p2p_marks_ban(struct p2p_marks *m, const uint8_t key[32], uint64_t now_ns,
                       uint64_t first_ns, uint64_t max_ns)
{
    return ban(take(m, key, 32, false, now_ns), now_ns, first_ns, max_ns);
}

uint64_t p2p_marks_ban_ip(struct p2p_marks *m, const struct p2p_ip *ip, uint64_t now_ns,
                          uint64_t first_ns, uint64_t max_ns)
{
    return ban(take(m, ip->b, sizeof ip->b, true, now_ns), now_ns, first_ns, max_ns);
}

bool p2p_bucket_take(struct p2p_bucket *b, const struct p2p_rate *rate, uint64_t bytes,
                     uint64_t now_ns)
{
    uint64_t since = now_ns > b->filled_ns ? now_ns - b->filled_ns : 0;
    if (since >= MINUTE_NS) { /* fills any, and the product below stays far below 2^64 */
        b->bytes = (int64_t)rate->burst;
        b->filled_ns = now_ns;
    } else {
        /* In microseconds, and time is only used up when it gave a whole unit. */
        uint64_t added = rate->per_second * (since / 1000u) / 1000000u;
        if (added > 0) {
            b->bytes += (int64_t)added;
            b->filled_ns += added * P2P_SECOND_NS / rate->per_second;
        }
        if (b->bytes > (int64_t)rate->burst)
            b->bytes = (int64_t)rate->burst;
    }
    if (b->bytes < (int64_t)bytes)
        return false;
    b->bytes -= (int64_t)bytes;
    return true;
}
