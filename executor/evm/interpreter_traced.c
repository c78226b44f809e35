/* The interpreter that reports each step; hosted builds only, so that the guest stays without. */
#if __STDC_HOSTED__

#include "executor/evm/frame.h"
#include "executor/evm/u256_inline.h"

#define EXEC_TRACE
#define INTERPRET exec_interpret_traced
#include "executor/evm/interpreter_body.h"

#else
/* ISO C wants something in every translation unit. */
extern const int exec_no_tracing;
#endif
