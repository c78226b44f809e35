/* Faults as data: what people write, the file, and what they make of a link. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testnet/fault.h"
#include "testnet/links.h"

Test(fault, nodes_are_a_set)
{
    uint64_t set;
    cr_expect(testnet_nodes_parse(&set, "n0", 4));
    cr_expect_eq(set, 1);
    cr_expect(testnet_nodes_parse(&set, "n3,n1", 4));
    cr_expect_eq(set, 10);
    cr_expect(testnet_nodes_parse(&set, "n63", 64));
    cr_expect_eq(set, UINT64_C(1) << 63);
    static const char *const bad[] = {"",      "0",   "n",      "n4",    "n0,",
                                      ",n0",   "n0 ", "n0,,n1", "n0,n0", "n-1",
                                      "n0/n1", "nn0", "n1x",    "n 1",   "n18446744073709551616"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(testnet_nodes_parse(&set, bad[i], 4), "%s", bad[i]);
}

Test(fault, times_shares_and_rates)
{
    int64_t ms;
    uint32_t ppm;
    uint64_t bps;
    cr_expect(testnet_duration_parse(&ms, "250ms", false, 60000));
    cr_expect_eq(ms, 250);
    cr_expect(testnet_duration_parse(&ms, "1.5s", false, 60000));
    cr_expect_eq(ms, 1500);
    cr_expect(testnet_duration_parse(&ms, "1m", false, 60000));
    cr_expect_eq(ms, 60000);
    cr_expect(testnet_duration_parse(&ms, "-1h", true, 86400000));
    cr_expect_eq(ms, -3600000);
    cr_expect(testnet_duration_parse(&ms, "+30s", true, 86400000));
    cr_expect_eq(ms, 30000);
    static const char *const bad[] = {
        "",    "5",     "s",   "-1s",  "61s",     "2m",  "1 s",
        "1ss", "1.s.s", "+1s", "0x1s", "60001ms", "1sm", "99999999999999999999s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(testnet_duration_parse(&ms, bad[i], false, 60000), "%s", bad[i]);
    cr_expect(testnet_percent_parse(&ppm, "5%"));
    cr_expect_eq(ppm, 50000);
    cr_expect(testnet_percent_parse(&ppm, "0.5%"));
    cr_expect_eq(ppm, 5000);
    cr_expect(testnet_percent_parse(&ppm, "100%"));
    cr_expect_not(testnet_percent_parse(&ppm, "100.1%"));
    cr_expect_not(testnet_percent_parse(&ppm, "5"));
    cr_expect(testnet_rate_parse(&bps, "64kbit"));
    cr_expect_eq(bps, 64000);
    cr_expect(testnet_rate_parse(&bps, "1mbit"));
    cr_expect_eq(bps, 1000000);
    cr_expect_not(testnet_rate_parse(&bps, "7kbit"));
    cr_expect_not(testnet_rate_parse(&bps, "1gbit"));
}

static struct testnet_faults list;

static void add(enum testnet_fault_kind kind, uint64_t a, uint64_t b, bool one_way,
                struct testnet_link link)
{
    struct testnet_fault f = {.kind = kind, .a = a, .b = b, .one_way = one_way, .link = link};
    cr_assert(testnet_faults_add(&list, &f));
}

static bool held(uint32_t i, uint32_t j)
{
    struct testnet_link l;
    testnet_faults_link(&l, &list, i, j);
    return l.held;
}

Test(fault, partitions_hold_both_ways_or_one)
{
    list = (struct testnet_faults){.next = 1};
    add(TESTNET_FAULT_PARTITION, 3, 12, false, (struct testnet_link){0});
    cr_expect(held(0, 2) && held(2, 0) && held(1, 3) && held(3, 1));
    cr_expect(!held(0, 1) && !held(2, 3));
    list.count = 0;
    add(TESTNET_FAULT_PARTITION, 1, 2, true, (struct testnet_link){0});
    cr_expect(held(0, 1));
    cr_expect_not(held(1, 0));
}

Test(fault, the_latest_link_counts_and_partitions_stay)
{
    struct testnet_link l;
    list = (struct testnet_faults){.next = 1};
    add(TESTNET_FAULT_PARTITION, 1, 2, false, (struct testnet_link){0});
    add(TESTNET_FAULT_LINK, 1, 6, false, (struct testnet_link){.delay_ms = 100, .loss_ppm = 7});
    add(TESTNET_FAULT_LINK, 1, 2, false, (struct testnet_link){.delay_ms = 5});
    testnet_faults_link(&l, &list, 0, 1);
    cr_expect(l.held && l.delay_ms == 5 && l.loss_ppm == 0);
    testnet_faults_link(&l, &list, 0, 2);
    cr_expect(!l.held && l.delay_ms == 100 && l.loss_ppm == 7);
    testnet_faults_link(&l, &list, 2, 0);
    cr_expect(!l.held && l.delay_ms == 0);
    add(TESTNET_FAULT_PARTITION, 1, 4, false, (struct testnet_link){.flap_ms = 50});
    testnet_faults_link(&l, &list, 2, 0);
    cr_expect(!l.held && l.flap_ms == 50);
    add(TESTNET_FAULT_LINK, 4, 1, false, (struct testnet_link){.delay_ms = 9});
    testnet_faults_link(&l, &list, 2, 0);
    cr_expect(l.flap_ms == 50 && l.delay_ms == 9);
}

Test(fault, file_is_read_back_and_damage_is_said)
{
    char dir[] = "/tmp/faults-XXXXXX", path[64];
    struct testnet_faults got;
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/faults.json", dir);
    cr_expect_eq(testnet_faults_load(&got, dir), TD_OK);
    cr_expect_eq(got.count, 0);
    list = (struct testnet_faults){.next = 7};
    add(TESTNET_FAULT_LINK, 5, 10, false,
        (struct testnet_link){.delay_ms = 1, .jitter_ms = 2, .loss_ppm = 3, .rate_bps = 9000});
    struct testnet_fault disk = {.kind = TESTNET_FAULT_DISK, .a = 1, .word = "full"};
    cr_assert(testnet_faults_add(&list, &disk));
    cr_assert_eq(testnet_faults_save(&list, dir), 0);
    cr_assert_eq(testnet_faults_load(&got, dir), TD_OK);
    cr_expect_eq(got.next, 9);
    cr_assert_eq(got.count, 2);
    cr_expect(got.list[0].id == 7 && got.list[0].a == 5 && got.list[0].b == 10);
    const struct testnet_link *l = &got.list[0].link;
    cr_expect(l->delay_ms == 1 && l->jitter_ms == 2 && l->loss_ppm == 3 && l->rate_bps == 9000);
    cr_expect_str_eq(got.list[1].word, "full");
    static const char *const bad[] = {
        "",
        "[]",
        "{\"next\":0,\"faults\":[]}",
        "{\"next\":1}",
        "{\"next\":2,\"faults\":[{\"id\":1,\"kind\":\"melt\"}]}",
        "{\"next\":2,\"faults\":[{\"id\":1,\"kind\":\"kill\",\"word\":\"\",\"a\":[64]}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FILE *f = fopen(path, "w");
        fputs(bad[i], f);
        fclose(f);
        cr_expect_eq(testnet_faults_load(&got, dir), TD_E_MALFORMED, "%s", bad[i]);
        cr_expect_eq(got.count, 0);
    }
    unlink(path);
    rmdir(dir);
}

Test(fault, list_is_bounded_and_numbers_are_not_used_again)
{
    list = (struct testnet_faults){.next = 1};
    struct testnet_fault f = {.kind = TESTNET_FAULT_PAUSE, .a = 1};
    for (uint32_t i = 0; i < TESTNET_FAULTS_MAX; i++)
        cr_assert(testnet_faults_add(&list, &f));
    cr_expect_not(testnet_faults_add(&list, &f));
    testnet_faults_drop(&list, 0);
    cr_expect_eq(list.list[0].id, 2);
    cr_expect(testnet_faults_add(&list, &f));
    cr_expect_eq(f.id, TESTNET_FAULTS_MAX + 1u);
}

Test(fault, every_pair_has_an_address_of_its_own)
{
    char host[16], other[16];
    testnet_link_host(host, 0, 1);
    cr_expect_str_eq(host, "127.77.1.2");
    testnet_link_host(other, 1, 0);
    cr_expect_str_neq(host, other);
    testnet_link_host(host, 63, 62);
    cr_expect_str_eq(host, "127.77.64.63");
}
