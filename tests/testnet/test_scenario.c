/* Scenario files: what they say and where they are wrong. */
#include <criterion/criterion.h>
#include <string.h>

#include "testnet/scenario.h"

static struct scenario s;
static struct node_toml_error why;

static enum td_error parse(const char *text)
{
    return scenario_parse(&s, &why, td_bytes_of(text, strlen(text)));
}

#define EXPECT "[[expect]]\nmetric = \"lag\"\nop = \"<=\"\nvalue = 1\n"

Test(scenario, is_read)
{
    cr_assert_eq(
        parse("[network]\nnodes = 5\ninterval = \"250ms\"\nload = 10\n"
              "[[fault]]\nat = \"2s\"\nfor = \"1s\"\nkind = \"partition\"\n"
              "nodes = \"leader\"\nto = \"rest\"\noneway = true\ntimes = 3\nevery = \"4s\"\n"
              "[[fault]]\nat = \"1s\"\nkind = \"link\"\nnodes = \"n0\"\nto = \"n1,n2\"\n"
              "delay = \"20ms\"\nloss = \"1%\"\n"
              "[[expect]]\nmetric = \"tandem_head_height\"\nof = \"n4\"\nop = \">\"\n"
              "value = 3\nat = \"10s\"\nwithin = \"5s\"\n"),
        TD_OK, "%u: %s", why.line, why.text);
    cr_expect(s.nodes == 5 && s.interval_ms == 250 && s.load == 10 && s.settle_ms == 30000);
    cr_assert_eq(s.fault_count, 4);
    cr_expect(s.faults[0].leader && s.faults[0].to_rest && s.faults[0].fault.one_way);
    cr_expect(s.faults[2].at_ms == 10000 && s.faults[2].for_ms == 1000);
    cr_expect(s.faults[3].for_ms == 0 && s.faults[3].fault.b == 6 &&
              s.faults[3].fault.link.loss_ppm == 10000);
    cr_expect(s.expects[0].of == 16 && s.expects[0].during_ms == -1 && s.expects[0].line == 21);
    cr_expect_eq(s.end_ms, 15000);
    cr_assert_eq(parse("[network]\n[[fault]]\nkind = \"kill\"\nnodes = \"random\"\n" EXPECT),
                 TD_OK);
    cr_expect(s.faults[0].random && s.faults[0].fault.a == 0 && s.expects[0].of == 15);
}

Test(scenario, mistakes_have_a_place)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *says;
    } bad[] = {
        {EXPECT, 1, "no [network]"},
        {"[network]\n", 1, "no [[expect]]"},
        {"[network]\nnodes = 17\n" EXPECT, 2, "nodes"},
        {"[network]\nnodes = 10\nfollowers = 10\n" EXPECT, 3, "sixteen"},
        {"[network]\nnods = 4\n" EXPECT, 2, "unknown key \"nods\""},
        {"[network]\n[[faults]]\n" EXPECT, 2, "[[fault]]"},
        {"[network]\n[[fault]]\nkind = \"melt\"\nnodes = \"n0\"\n" EXPECT, 3, "kind"},
        {"[network]\n[[fault]]\nkind = \"kill\"\n" EXPECT, 2, "nodes"},
        {"[network]\n[[fault]]\nkind = \"kill\"\nnodes = \"n4\"\n" EXPECT, 4, "nodes"},
        {"[network]\n[[fault]]\nkind = \"kill\"\nnodes = \"n0\"\npoint = \"x\"\n" EXPECT, 5,
         "before_commit"},
        {"[network]\n[[fault]]\nkind = \"partition\"\nnodes = \"n0\"\nto = \"n0\"\n" EXPECT, 5,
         "not among"},
        {"[network]\n[[fault]]\nkind = \"disk\"\nnodes = \"n0\"\n" EXPECT, 2, "full"},
        {"[network]\n[[fault]]\nkind = \"clock\"\nnodes = \"n0\"\nskew = \"x\"\n" EXPECT, 5,
         "skew"},
        {"[network]\n[[fault]]\nkind = \"rpc\"\nnodes = \"n0\"\nrpc = \"flood\"\n" EXPECT, 5,
         "for"},
        {"[network]\n[[fault]]\nkind = \"kill\"\nnodes = \"n0\"\nat = 5\n" EXPECT, 5, "a string"},
        {"[network]\n[[fault]]\nkind = \"kill\"\nnodes = \"n0\"\nfor = \"2s\"\ntimes = 2\n"
         "every = \"1s\"\n" EXPECT,
         7, "longer"},
        {"[network]\n[[expect]]\nmetric = \"luck\"\nop = \"<\"\nvalue = 1\n", 3, "metric"},
        {"[network]\n[[expect]]\nmetric = \"lag\"\nop = \"=\"\nvalue = 1\n", 4, "op"},
        {"[network]\n[[expect]]\nmetric = \"lag\"\nop = \"<\"\n", 2, "value"},
        {"[network]\n[[expect]]\nmetric = \"lag\"\nop = \"<\"\nvalue = 1\nwithin = \"1s\"\n"
         "during = \"1s\"\n",
         7, "within"},
        {"[network]\nnodes = \n", 2, ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(parse(bad[i].text), TD_E_MALFORMED, "%s", bad[i].text);
        cr_expect_eq(why.line, bad[i].line, "%s: line %u, %s", bad[i].text, why.line, why.text);
        cr_expect(strstr(why.text, bad[i].says) != NULL, "%s: %s", bad[i].text, why.text);
    }
}

Test(scenario, comparisons)
{
    static const bool want[6][3] = {{false, true, false}, {true, false, true},
                                    {true, false, false}, {true, true, false},
                                    {false, false, true}, {false, true, true}};
    for (uint32_t op = 0; op < 6; op++)
        for (int64_t v = 0; v < 3; v++)
            cr_expect_eq(scenario_compare(v, (enum scenario_op)op, 1), want[op][v], "%s %d",
                         scenario_op_text((enum scenario_op)op), (int)v);
}
