#include "executor/evm/frame.h"
#include "executor/evm/u256_inline.h"

#define INTERPRET exec_interpret
#include "executor/evm/interpreter_body.h"
