#include "base/core/error.h"

const char *td_error_text(enum td_error err)
{
    switch (err) {
#define TD_ERROR_CASE(name, value, text)                                                           \
    case name:                                                                                     \
        return text;
        TD_ERROR_LIST(TD_ERROR_CASE)
#undef TD_ERROR_CASE
    }
    return "unknown error";
}
