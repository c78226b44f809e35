/* A node of four that does well, for tests to spoil. */
#pragma once

#include "node/ops/ops.h"

struct ops_fixture {
    struct node_ops_view view;
    struct node_ops_validator validators[4];
    struct node_ops_peer peers[4];
    struct node_ops_block blocks[3];
    struct node_histogram histogram;
    struct node_ops_count proposals[2], votes[2], frames[1], refused[1], errors[2], faults[2];
    struct node_ops_method methods[2];
};
void ops_fixture_init(struct ops_fixture *f);
