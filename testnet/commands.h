/* The commands of `tandem testnet`.  Each gets argv with its own name first and returns an exit
 * code of node/exit_codes.h. */
#pragma once

#include <stdio.h>

int testnet_up(FILE *out, FILE *err, int argc, char **argv);
int testnet_down(FILE *out, FILE *err, int argc, char **argv);
int testnet_ps(FILE *out, FILE *err, int argc, char **argv);
int testnet_logs(FILE *out, FILE *err, int argc, char **argv);
int testnet_load_run(FILE *out, FILE *err, int argc, char **argv);
int testnet_fault(FILE *out, FILE *err, int argc, char **argv);
int testnet_run(FILE *out, FILE *err, int argc, char **argv);
int testnet_report(FILE *out, FILE *err, int argc, char **argv);
