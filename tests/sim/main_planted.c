/* tandem-sim-planted: the simulator over a core that contains the planted bugs. */
#include "tests/sim/sim.h"

int main(int argc, char **argv)
{
    return sim_main(argc, argv);
}
