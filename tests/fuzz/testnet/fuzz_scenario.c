/* Any bytes as a scenario: one whose parts are within their bounds, or an error with a place. */
#include <stdint.h>
#include <stdlib.h>

#include "base/core/assert.h"
#include "testnet/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct scenario s;
    struct node_toml_error e;
    enum td_error err = scenario_parse(&s, &e, td_bytes_of(len == 0 ? NULL : data, len));
    if (err != TD_OK) {
        TD_ASSERT(e.line > 0 && e.line <= len + 1u && e.column > 0 && e.text[0] != '\0');
        return 0;
    }
    uint64_t all = (UINT64_C(1) << (s.nodes + s.followers)) - 1u;
    TD_ASSERT(s.nodes > 0 && s.nodes + s.followers <= SCENARIO_NODES_MAX && s.expect_count > 0);
    for (uint32_t i = 0; i < s.fault_count; i++) {
        const struct scenario_fault *f = &s.faults[i];
        TD_ASSERT((f->fault.a & ~all) == 0 && (f->fault.b & ~all) == 0);
        TD_ASSERT((f->fault.a & f->fault.b) == 0);
        TD_ASSERT(f->leader || f->random || f->fault.a != 0);
        TD_ASSERT(f->at_ms >= 0 && f->for_ms >= 0 && f->at_ms + f->for_ms <= s.end_ms);
    }
    for (uint32_t i = 0; i < s.expect_count; i++)
        TD_ASSERT((s.expects[i].of & ~all) == 0 && s.expects[i].at_ms <= s.end_ms);
    return 0;
}
