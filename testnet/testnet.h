/* `tandem testnet up|down|ps|logs|load|fault|run|report`: a local network of real node processes.
 */
#pragma once

/* argv[0] is "testnet".  Writes to the standard streams.  Returns an exit code of
 * node/exit_codes.h. */
int testnet_main(int argc, char **argv);
