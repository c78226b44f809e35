/* x */
#include "tests/consensus/solo.h"
