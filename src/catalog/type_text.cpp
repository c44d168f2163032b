#include "catalog/type_text.h"

extern "C" {
#include "utils/builtins.h"
}

namespace pgrest::catalog {

const char* qualified_type(Oid type, int32 modifier) {
    bits16 flags = FORMAT_TYPE_FORCE_QUALIFY;
    if (modifier >= 0) flags |= FORMAT_TYPE_TYPEMOD_GIVEN;
    return format_type_extended(type, modifier, flags);
}

}  // namespace pgrest::catalog
