/* Rows of single opcodes, made from a table of operands. */
#pragma once

#include "tests/executor/costs/cost.h"

struct cost_table cost_op_rows(void);
void cost_op_rows_free(void);
/* False, and said, when an opcode has no row. */
bool cost_every_opcode(void);
