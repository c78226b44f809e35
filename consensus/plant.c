#include "consensus/plant.h"

#ifdef TD_PLANTED
enum bft_plant bft_plant_active = BFT_PLANT_NONE;
#else
typedef int bft_plant_unused; /* ISO C wants a declaration */
#endif
