/* Exit codes of the `tandem` binary.  Scripts and the service manager decide by them, so a value is
 * never reused for another meaning.  64..78 follow BSD's sysexits.h; 80 and up are Tandem's own: a
 * service manager must not restart after 77, 78, 80, 81 or 82, because starting again cannot help
 * and may hurt. */
#pragma once

enum node_exit {
    NODE_EXIT_OK = 0,
    NODE_EXIT_CHECK_FAILED = 1, /* the command ran and what it checked does not hold */
    NODE_EXIT_USAGE = 64,       /* unknown command or option */
    NODE_EXIT_NO_INPUT = 66,    /* an input file is missing */
    NODE_EXIT_UNAVAILABLE = 69, /* L1 or every peer unreachable at start */
    NODE_EXIT_INTERNAL = 70,    /* an internal invariant broke */
    NODE_EXIT_CANT_CREATE = 73, /* an output cannot be created */
    NODE_EXIT_IO = 74,          /* input/output failed or the disk is full */
    NODE_EXIT_KEY_ACCESS = 77,  /* key file readable by others, or not by us */
    NODE_EXIT_CONFIG = 78,      /* configuration is wrong */
    NODE_EXIT_SAFETY_HALT = 80, /* the sign guard refused: another holder of the key is active */
    NODE_EXIT_DIVERGENCE = 81,  /* our state differs from the quorum's */
    NODE_EXIT_CORRUPT = 82,     /* a database fails its checksums */
    NODE_EXIT_RUNNING = 83,     /* another process holds the home folder */
    NODE_EXIT_PROVER = 84,      /* the prover cannot be used */
};
