/*
 * Tandem consensus rules, model for spin 6.5: one epoch, n = 4, no payloads.
 *
 * What it is: every interleaving of proposals, votes, commit votes and timeouts of the honest
 * validators over rounds 1..R, against a network that loses, delays and reorders without limit.
 * docs/model/README.md says what is left out and why; the rules are those of docs/protocol.md.
 *
 * Four ideas keep the search exhaustive:
 *   1. Messages are facts. A signature, once made, stays available to everyone and is read at any
 *      later time or never; there are no channels.
 *   2. The Byzantine validator has no state. Its vote for any block, its commit vote and its
 *      timeout with any justified lock count as always available, so the honest share of a
 *      certificate is NEED = Q - 1. Every leader may be it: whatever the vote rule lets a validator
 *      accept may be proposed, several blocks per round included.
 *   3. Certificates are read only when a validator signs. Seeing one changes local variables only,
 *      so it can be put off to the next signature. -DSEE adds separate reading steps.
 *   4. Only what a rule can still read is stored, in sorted order: no rule names a validator or
 *      asks who signed a fact, so validators are sorted by local view and each round's facts by
 *      value (reduce(), below). -DEXACT stores everything and makes trails readable.
 *
 * A block is (round r, index b): b = p * V + v is a child of the certified block of round p, in
 * variant v (same parent, different content). One certificate per round is asserted, so a round
 * names its certified block.
 *
 * Switches: R rounds; V variants; ALLHONEST (no Byzantine validator), SILENT (it is dead),
 * STOPS (it dies at any moment), FORK (two of them: safety must break); BUG_* plants a rule
 * violation that spin must refute; GOAL_* claims that something good never happens, which spin must
 * refute too.
 */

#ifndef R
#define R 3
#endif
#ifndef V
#define V 1
#endif

#ifdef STOPS
#define SEE
#endif

/* These rules read a validator's own history, which the reduction forgets. */
#if defined(BUG_COMMIT_AFTER_TIMEOUT) || defined(BUG_DOUBLE_VOTE) ||                               \
    defined(BUG_VOTE_AFTER_TIMEOUT)
#define EXACT
#endif

/* H honest validators; NEED of them complete a quorum Q = 3, the Byzantine share being free. */
#if defined(ALLHONEST)
#define H 4
#define NEED 3
#elif defined(SILENT)
#define H 3
#define NEED 3
#elif defined(FORK)
#define H 2
#define NEED 1
#elif defined(BUG_WEAK_QUORUM)
#define H 3
#define NEED 1
#else
#define H 3
#define NEED 2
#endif

#define R1 (R + 1)
#define AT(i, r) ((i) * R1 + (r))
#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* Signatures of validator i: the facts of idea 1. */
byte vt[H * R1];  /* votes in round r, one bit per block index */
byte to[H * R1];  /* timeout of round r: lockRound + 1, or 0 = none */
bool cm[H * R1];  /* commit vote of round r */

/* Guard and local view of validator i, as of its last step. */
byte rnd[H];      /* current round */
byte lk[H];       /* lock: round of the highest QC seen; 0 = genesis */
byte lv[H];       /* lastVoted */
byte lt[H];       /* lastTimeout */
byte lc[H];       /* lastCommitRound */

/* Certificates that can be shown to a validator now; functions of the facts above. */
byte qc[R1];      /* block index + 1 certified in round r; 0 = none */
byte tc[R1];      /* smallest highest-QC round of any TC(r), + 1; 0 = no TC */

#ifdef STOPS
bool stopped;     /* the Byzantine validator signs nothing any more */
byte heldq;       /* QCs an honest validator holds, one bit per round */
byte heldt[R1];   /* tc[] as held by an honest validator */
#define SHARE (stopped -> NEED + 1 : NEED)
#define CAP (NEED + 1)
#else
#define SHARE NEED
#define CAP NEED
#endif

/* The step chosen; zero between steps. */
byte kind, who, sr, sp;
#define K_VOTE 1
#define K_COMMIT 2
#define K_TIMEOUT 3
#define K_SEEQC 4
#define K_SEETC 5
#define K_STOP 6

hidden byte a, b, c, x, y, m;
hidden short fin;

#define PARENT(r) ((qc[r] - 1) / V)
#define VOTED(i, r, k) ((vt[AT(i, r)] >> (k)) & 1)

/*
 * ---- Rules -------------------------------------------------------------------------------------
 */

/*
 * Justification of a block of round r on the certified block of round p by QC(p): r = qc.round + 1,
 * or the proposal carries TC(r-1) and qc.round >= the highest QC round in it. The TC with the
 * smallest such round is the weakest condition, so only that one is kept.
 */
#if defined(BUG_IGNORE_TC_HIGH)
#define JUSTIFIED(i, r, p) ((p) == (r) - 1 || tc[(r) - 1])
#elif defined(BUG_LOCK_GUARDS_VOTE)
#define JUSTIFIED(i, r, p)                                                                         \
    (((p) == (r) - 1 || (tc[(r) - 1] && (p) >= tc[(r) - 1] - 1)) && (p) >= lk[i])
#elif defined(BUG_QC_UNBOUND)
/* Some QC passes the test while the parent is another certified block. */
#define JUSTIFIED(i, r, p) (qc[(r) - 1] || tc[(r) - 1])
#else
#define JUSTIFIED(i, r, p) ((p) == (r) - 1 || (tc[(r) - 1] && (p) >= tc[(r) - 1] - 1))
#endif

/* Fresh in round r: r > lastVoted, after the carried certificates moved the validator to r. */
#if defined(BUG_DOUBLE_VOTE)
#define FRESH(i, r) (rnd[i] <= (r) && lt[i] < (r))
#elif defined(BUG_VOTE_AFTER_TIMEOUT)
#define FRESH(i, r) (rnd[i] <= (r) && !vt[AT(i, r)])
#else
#define FRESH(i, r) (rnd[i] <= (r) && lv[i] < (r))
#endif

/* Vote. A JUSTIFIED block carries a certificate of round r - 1, which is also the entry to r. */
#define CAN_VOTE(i, r, p) (FRESH(i, r) && qc[p] && JUSTIFIED(i, r, p))

/* Commit vote on QC(q), whatever round the validator is in by now. */
#if defined(BUG_COMMIT_AFTER_TIMEOUT)
#define COMMIT_OK(i, q) ((q) > lc[i])
#else
#define COMMIT_OK(i, q) (lt[i] < (q) && (q) > lc[i])
#endif
#define CAN_COMMIT(i, q) (qc[q] && COMMIT_OK(i, q))

/*
 * Timeout of round r signed with lock l, at any moment (timers are not modelled). The validator
 * is in r already, or enters it by QC(r-1), which makes the lock r - 1, or by TC(r-1), which makes
 * the lock at least that TC's highest QC round. It may have seen any other QC below r.
 */
#ifdef BUG_TIMEOUT_BELOW_LOCK
#define LOCK_OK(i, l) (qc[l])
#else
#define LOCK_OK(i, l) ((l) == lk[i] || ((l) > lk[i] && qc[l]))
#endif
#ifdef SEE
#define ENTERED(i, r, l) (rnd[i] == (r))
#else
#define ENTERED(i, r, l)                                                                           \
    (rnd[i] == (r) ||                                                                              \
     (rnd[i] < (r) && ((qc[(r) - 1] && (l) == (r) - 1) || (tc[(r) - 1] && (l) >= tc[(r) - 1] - 1))))
#endif
#define CAN_TIMEOUT(i, r, l) (lt[i] < (r) && LOCK_OK(i, l) && ENTERED(i, r, l))

/* Separate reading steps: a QC, or a TC as entry to the next round. */
#define CAN_SEEQC(i, q) (qc[q] && (lk[i] < (q) || rnd[i] <= (q)))
#define CAN_SEETC(i, q) (tc[q] && rnd[i] <= (q))

/*
 * ---- One step ----------------------------------------------------------------------------------
 */

/* Reduced facts are sorted and the signer has none yet for the round, so the last entry is free. */
#ifdef EXACT
#define SLOT who
#else
#define SLOT (H - 1)
#endif

inline vote()
{
    vt[AT(SLOT, sr)] = vt[AT(SLOT, sr)] | (1 << sp);
    rnd[who] = MAX(rnd[who], sr);
    lv[who] = MAX(lv[who], sr);
#ifndef BUG_NO_LOCK_ON_VOTE
    lk[who] = MAX(lk[who], sp / V);
#endif
#ifdef STOPS
    heldq = heldq | (1 << (sp / V));
    if
    :: sp / V != sr - 1 -> heldt[sr - 1] = tc[sr - 1]
    :: else
    fi;
#endif
    printf("validator %d votes for block (%d,%d) on round %d\n", who, sr, sp % V, sp / V)
}

inline commit_vote()
{
    cm[AT(SLOT, sr)] = true;
    lc[who] = MAX(lc[who], sr);
    rnd[who] = MAX(rnd[who], sr + 1);
#ifndef BUG_NO_LOCK_ON_COMMIT
    lk[who] = MAX(lk[who], sr);
#endif
#ifdef STOPS
    heldq = heldq | (1 << sr);
#endif
    printf("validator %d commit-votes round %d\n", who, sr)
}

inline timeout_round()
{
    to[AT(SLOT, sr)] = sp + 1;
    rnd[who] = sr;
    lk[who] = MAX(lk[who], sp);
    lt[who] = sr;
    lv[who] = MAX(lv[who], sr);
#ifdef STOPS
    heldq = heldq | (1 << sp);
#endif
    printf("validator %d times out round %d with lock %d\n", who, sr, sp)
}

inline see_qc()
{
    lk[who] = MAX(lk[who], sr);
    rnd[who] = MAX(rnd[who], sr + 1);
#ifdef STOPS
    heldq = heldq | (1 << sr);
#endif
    printf("validator %d sees QC(%d)\n", who, sr)
}

inline see_tc()
{
    lk[who] = MAX(lk[who], tc[sr] - 1);
    rnd[who] = sr + 1;
#ifdef STOPS
    heldq = heldq | (1 << (tc[sr] - 1));
    heldt[sr] = tc[sr];
#endif
    printf("validator %d enters round %d by TC(%d), highest QC %d\n", who, sr + 1, sr, tc[sr] - 1)
}

/* QC(r): SHARE honest votes for one block. Two certified blocks of one round are an error. */
inline form_qc()
{
    x = 0;
    for (b : 0 .. (a * V - 1)) {
        y = 0;
        for (c : 0 .. (H - 1)) {
            y = y + VOTED(c, a, b)
        }
        if
        :: y >= SHARE ->
            assert(x == 0); /* one certificate per round */
            x = b + 1
        :: else
        fi
    }
#ifdef STOPS
    if
    :: x == 0 && stopped && ((heldq >> a) & 1) -> x = qc[a]
    :: else
    fi;
#endif
    qc[a] = x
}

/*
 * TC(r): SHARE honest timeouts. The smallest maximum over all choices of SHARE signers is the
 * SHARE-th smallest lock; the Byzantine signer adds a lock of 0. The highest QC in the TC is the
 * QC of that round, whose existence LOCK_OK guarantees.
 */
inline form_tc()
{
    x = 0;
    y = 0;
    for (b : 1 .. a) {
        for (c : 0 .. (H - 1)) {
            if
            :: to[AT(c, a)] == b -> y++
            :: else
            fi
        }
        if
        :: x == 0 && y >= SHARE -> x = b
        :: else
        fi
    }
#ifdef STOPS
    if
    :: stopped && heldt[a] && (x == 0 || heldt[a] < x) -> x = heldt[a]
    :: else
    fi;
#endif
    tc[a] = x
}

/*
 * ---- Properties --------------------------------------------------------------------------------
 */

/*
 * Agreement. Final by Q commit votes, or by QC(B') with B' the child of B in the next round. Every
 * final block must lie on the chain of the highest one, that is, no two of them conflict.
 */
inline check_agreement()
{
    fin = 0;
    m = 0;
    for (a : 1 .. R) {
        y = 0;
        for (c : 0 .. (H - 1)) {
            y = y + cm[AT(c, a)]
        }
        if
        :: y >= NEED -> fin = fin | (1 << a)
        :: else
        fi;
        if
#ifdef BUG_TWO_CHAIN_GAP
        :: qc[a] && PARENT(a) > 0 -> fin = fin | (1 << PARENT(a))
#else
        :: qc[a] && PARENT(a) > 0 && PARENT(a) == a - 1 -> fin = fin | (1 << PARENT(a))
#endif
        :: else
        fi
    }
    for (a : 1 .. R) {
        if
        :: (fin >> a) & 1 -> m = a
        :: else
        fi
    }
#ifdef GOAL_FINAL
    assert(fin == 0 || PARENT(m) == m - 1); /* goal: a block on a skipped round is never final */
#endif
    do
    :: m > 0 ->
        fin = fin & ~(1 << m);
        m = PARENT(m)
    :: else -> break
    od;
    assert(fin == 0) /* agreement */
}

/*
 * Recovery. Once all honest validators have timed out the newest round y, a round with an honest
 * leader and prompt delivery must end final without the Byzantine validator: any leader c, holding
 * any TC(y), proposes on the highest QC it holds; every honest validator must accept that proposal
 * by the vote rule and be allowed the commit vote. Round y + 1 is not stored, so R bounds y + 1.
 */
inline check_recovery()
{
    y = 0;
    for (a : 0 .. (H - 1)) {
        y = MAX(y, rnd[a])
    }
    x = 0;
    if
    :: y < R ->
        for (a : 0 .. (H - 1)) {
            x = x + (lt[a] == y -> 1 : 0)
        }
    :: else
    fi;
    if
    :: x == H && tc[y] ->
#ifdef GOAL_RECOVERY
        assert(tc[y] == 1); /* goal: recovery never starts on a TC with a certified block */
#endif
        for (c : 0 .. (H - 1)) {
            m = MAX(lk[c], tc[y] - 1);
            for (a : 0 .. (H - 1)) {
                assert(JUSTIFIED(a, y + 1, m) && FRESH(a, y + 1)); /* recovery: vote */
                assert(COMMIT_OK(a, y + 1))                        /* recovery: commit vote */
            }
        }
    :: else
    fi
}

/*
 * ---- Reduction ---------------------------------------------------------------------------------
 */

#define SWAP(s, i, j)                                                                              \
    x = s[i];                                                                                      \
    s[i] = s[j];                                                                                   \
    s[j] = x

#define KEY(i) (rnd[i] * 4096 + lk[i] * 512 + lv[i] * 64 + lt[i] * 8 + lc[i])

inline sort_views()
{
    for (a : 1 .. (H - 1)) {
        for (c : 1 .. (H - a)) {
            if
            :: KEY(c - 1) > KEY(c) ->
                SWAP(rnd, c - 1, c);
                SWAP(lk, c - 1, c);
                SWAP(lv, c - 1, c);
                SWAP(lt, c - 1, c);
                SWAP(lc, c - 1, c)
            :: else
            fi
        }
    }
}

/* Largest first, so that unused entries come last. */
#define SORT_FACTS(s)                                                                              \
    for (a : 1 .. (H - 1)) {                                                                       \
        for (c : 1 .. (H - a)) {                                                                   \
            if                                                                                     \
            :: s[AT(c - 1, b)] < s[AT(c, b)] ->                                                    \
                SWAP(s, AT(c - 1, b), AT(c, b))                                                    \
            :: else                                                                                \
            fi                                                                                     \
        }                                                                                          \
    }

/*
 * Forget what no rule can read again. A guard is compared only with rounds >= the current one,
 * except in the commit rule, which asks for q > max(lastTimeout, lastCommitRound).
 */
inline forget_guards()
{
    for (a : 0 .. (H - 1)) {
        lc[a] = MAX(lc[a], lt[a]);
        if
        :: lt[a] < rnd[a] -> lt[a] = 0
        :: else
        fi;
        if
        :: lv[a] < rnd[a] -> lv[a] = 0
        :: else
        fi
    }
}

/*
 * Round b: keep the CAP smallest timeouts (later ones can only displace them); votes, once
 * nobody can vote in b any more, only as the certificate they form; commit votes, once nobody can
 * add one, only if they make the block final. x and m count the validators that could still vote
 * and commit-vote.
 */
inline forget_facts()
{
    x = 0;
    m = 0;
    for (a : 0 .. (H - 1)) {
        x = x + (rnd[a] < b || (rnd[a] == b && lv[a] < b) -> 1 : 0);
        m = m + (lc[a] < b -> 1 : 0)
    }
    if
    :: x == 0 ->
        y = 0;
        for (a : 0 .. (H - 1)) {
            if
            :: qc[b] && y < CAP && VOTED(a, b, qc[b] - 1) ->
                vt[AT(a, b)] = 1 << (qc[b] - 1);
                y++
            :: else -> vt[AT(a, b)] = 0
            fi
        }
    :: else
    fi;
    y = 0;
    for (a : 0 .. (H - 1)) {
        y = y + cm[AT(a, b)]
    }
    if
    :: y >= NEED || m + y < NEED ->
        for (a : 0 .. (H - 1)) {
            cm[AT(a, b)] = (y >= NEED && a < NEED)
        }
    :: else
    fi;
    SORT_FACTS(to);
    y = 0;
    for (a : 0 .. (H - 1)) {
        y = y + (to[AT(a, b)] -> 1 : 0)
    }
    for (a : 0 .. (H - 1)) {
        if
        :: y > CAP ->
            to[AT(a, b)] = 0;
            y--
        :: else
        fi
    }
}

inline reduce()
{
    forget_guards();
    sort_views();
    for (b : 1 .. R) {
        forget_facts();
        SORT_FACTS(vt);
        SORT_FACTS(to);
        SORT_FACTS(cm)
    }
}

inline clear()
{
    for (a : 0 .. R) {
        for (c : 0 .. (H - 1)) {
            vt[AT(c, a)] = 0;
            to[AT(c, a)] = 0;
            cm[AT(c, a)] = false
        }
        qc[a] = 0;
        tc[a] = 0
    }
    for (c : 0 .. (H - 1)) {
        rnd[c] = 0;
        lk[c] = 0;
        lv[c] = 0;
        lt[c] = 0;
        lc[c] = 0
    }
#ifdef STOPS
    stopped = false;
    heldq = 0;
    for (a : 0 .. R) {
        heldt[a] = 0
    }
#endif
}

/*
 * ---- Search ------------------------------------------------------------------------------------
 */

/* Variants of one parent are interchangeable: v is used only after v - 1 has a vote. */
#if H == 2
#define ANY_VOTE(r, k) ((vt[AT(0, r)] | vt[AT(1, r)]) >> (k) & 1)
#elif H == 3
#define ANY_VOTE(r, k) ((vt[AT(0, r)] | vt[AT(1, r)] | vt[AT(2, r)]) >> (k) & 1)
#else
#define ANY_VOTE(r, k) ((vt[AT(0, r)] | vt[AT(1, r)] | vt[AT(2, r)] | vt[AT(3, r)]) >> (k) & 1)
#endif

#define STEP(k, i, r, p)                                                                           \
    kind = k;                                                                                      \
    who = i;                                                                                       \
    sr = r;                                                                                        \
    sp = p

#if V == 1
#define VOTE(i, r, p) :: CAN_VOTE(i, r, p) -> STEP(K_VOTE, i, r, p)
#else
#define VOTE(i, r, p)                                                                              \
    :: CAN_VOTE(i, r, p) -> STEP(K_VOTE, i, r, 2 * (p))                                            \
    :: CAN_VOTE(i, r, p) && ANY_VOTE(r, 2 * (p)) ->                                                \
        STEP(K_VOTE, i, r, 2 * (p) + 1)
#endif
#define TIMEOUT(i, r, l) :: CAN_TIMEOUT(i, r, l) -> STEP(K_TIMEOUT, i, r, l)
#define COMMIT(i, q) :: CAN_COMMIT(i, q) -> STEP(K_COMMIT, i, q, 0)
#ifdef SEE
#define SEEN(i, q)                                                                                 \
    :: CAN_SEEQC(i, q) -> STEP(K_SEEQC, i, q, 0)                                                   \
    :: CAN_SEETC(i, q) -> STEP(K_SEETC, i, q, 0)
#else
#define SEEN(i, q)
#endif

#define PAIR(i, r, p) VOTE(i, r, p) TIMEOUT(i, r, p)
#define ROUND1(i) PAIR(i, 1, 0) COMMIT(i, 1) SEEN(i, 1)
#define ROUND2(i) PAIR(i, 2, 0) PAIR(i, 2, 1) COMMIT(i, 2) SEEN(i, 2)
#define ROUND3(i) PAIR(i, 3, 0) PAIR(i, 3, 1) PAIR(i, 3, 2) COMMIT(i, 3) SEEN(i, 3)
#define ROUND4(i)                                                                                  \
    PAIR(i, 4, 0) PAIR(i, 4, 1) PAIR(i, 4, 2) PAIR(i, 4, 3) COMMIT(i, 4) SEEN(i, 4)
#define ROUND5(i)                                                                                  \
    PAIR(i, 5, 0) PAIR(i, 5, 1) PAIR(i, 5, 2) PAIR(i, 5, 3) PAIR(i, 5, 4) COMMIT(i, 5) SEEN(i, 5)
#if R == 2
#define STEPS(i) ROUND1(i) ROUND2(i)
#elif R == 3
#define STEPS(i) ROUND1(i) ROUND2(i) ROUND3(i)
#elif R == 4
#define STEPS(i) ROUND1(i) ROUND2(i) ROUND3(i) ROUND4(i)
#else
#define STEPS(i) ROUND1(i) ROUND2(i) ROUND3(i) ROUND4(i) ROUND5(i)
#endif

init
{
    d_step {
        for (a : 0 .. (H - 1)) {
            rnd[a] = 1
        }
        qc[0] = 1 /* genesis is certified by definition */
    }
    do
    :: atomic {
        if
        STEPS(0)
        STEPS(1)
#if H >= 3
        STEPS(2)
#endif
#if H >= 4
        STEPS(3)
#endif
#ifdef STOPS
        :: !stopped -> STEP(K_STOP, 0, 0, 0)
#endif
        fi;
        d_step {
            if
            :: kind == K_VOTE -> vote()
            :: kind == K_COMMIT -> commit_vote()
            :: kind == K_TIMEOUT -> timeout_round()
            :: kind == K_SEEQC -> see_qc()
            :: kind == K_SEETC -> see_tc()
            :: kind == K_STOP ->
#ifdef STOPS
                stopped = true;
#ifdef BUG_NO_ENTRY_CERT
                /* The certificate that entered r is not sent along with timeouts of r. */
                heldq = 0;
                for (a : 0 .. R) {
                    heldt[a] = 0
                }
#endif
#endif
                printf("the Byzantine validator stops\n")
            fi;
            for (a : 1 .. R) {
                form_qc();
                form_tc()
            }
            check_agreement();
            check_recovery();
#ifndef EXACT
            reduce();
#endif
            STEP(0, 0, 0, 0)
        }
    }
    /*
     * No deadlock: the only valid end is that round R can be left by a certificate. Every step adds
     * a signature or raises a local round or lock, so the state graph has no cycle, and "no other
     * end state" means that every schedule that keeps taking enabled steps leaves round R. The end
     * clears the state, or spin would store every state that may end twice.
     */
    :: atomic {
        qc[R] || tc[R] ->
        d_step {
            clear();
            fin = 0
        }
        break
    }
    od
}
