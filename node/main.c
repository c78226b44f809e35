#include "node/cli/commands.h"
#include "testnet/testnet.h"
#include "tests/sim/sim.h"

int main(int argc, char **argv)
{
    const struct node_commands commands = {.sim = sim_main, .testnet = testnet_main};
    return node_cli_run(&commands, stdout, stderr, argc, argv);
}
