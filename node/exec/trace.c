#include "node/exec/trace.h"

#include "base/core/hex.h"
#include "executor/evm/opcodes.h"

#define NAMED(code, name, in, out, gas, native) [code] = #name,
#define UNNAMED(code)
static const char *const NAMES[256] = {EXEC_OPCODES(NAMED, UNNAMED)};
#undef NAMED
#undef UNNAMED

static void end_line(struct node_trace *t, int64_t cost, const char *error)
{
    if (!t->open)
        return;
    t->open = false;
    fprintf(t->to, ",\"gasCost\":\"0x%llx\"", (unsigned long long)(cost < 0 ? 0 : cost));
    if (error != NULL)
        fprintf(t->to, ",\"error\":\"%s\"", error);
    fputs("}\n", t->to);
}

static void step(void *self, const struct exec_trace_step *s)
{
    struct node_trace *t = self;
    const char *name = NAMES[s->opcode];

    end_line(t, t->gas - s->gas, NULL);
    fprintf(t->to,
            "{\"depth\":%u,\"pc\":%u,\"op\":%u,\"opName\":\"%s\",\"gas\":\"0x%llx\","
            "\"refund\":\"%s0x%llx\",\"memSize\":%zu,\"stack\":[",
            s->depth + 1, s->pc, s->opcode, name == NULL ? "INVALID" : name,
            (unsigned long long)s->gas, s->refund < 0 ? "-" : "",
            (unsigned long long)(s->refund < 0 ? -s->refund : s->refund), s->memory.len);
    for (uint32_t i = s->stack_count; i > 0; i--) {
        const struct exec_u256 *v = s->stack_top - (i - 1);
        struct td_wei wei = {{v->w[0], v->w[1], v->w[2], v->w[3]}};
        char text[TD_QUANTITY_TEXT_BYTES];
        td_quantity_print(text, &wei);
        fprintf(t->to, "%s\"%s\"", i == s->stack_count ? "" : ",", text);
    }
    fputc(']', t->to);
    t->open = true;
    t->gas = s->gas;
}

static void enter(void *self, const struct exec_message *msg)
{
    end_line(self, msg->gas, NULL);
}

static void leave(void *self, const struct exec_message *msg, const struct exec_outcome *out)
{
    struct node_trace *t = self;
    (void)msg;
    end_line(t, t->gas - out->gas_left,
             out->status == EXEC_SUCCESS ? NULL : exec_status_text(out->status));
}

struct exec_tracer node_trace_init(struct node_trace *t, FILE *to)
{
    *t = (struct node_trace){.to = to};
    return (struct exec_tracer){.self = t, .step = step, .enter = enter, .leave = leave};
}
