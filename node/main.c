#include "node/cli/commands.h"
#ifdef TANDEM_HAVE_SIM
#include "tests/sim/sim.h"
#endif

int main(int argc, char **argv)
{
    struct node_commands commands = {0};
#ifdef TANDEM_HAVE_SIM
    commands.sim = sim_main;
#endif
    return node_cli_run(&commands, stdout, stderr, argc, argv);
}
