// Text between clients (UTF-8) and the server's encoding. May ereport: called inside pg::guarded() or in C code.
#pragma once

#include <cstddef>

#include "pg/postgres.h"

namespace pgrest::pg {

// A palloc'd, verified, NUL-terminated copy in the server's encoding. Raises 22021 for bytes that are no UTF-8, NUL
// included, and 22P05 for characters that the server's encoding lacks.
char* text_from_client(const char* data, std::size_t size);

// The text as UTF-8; the same pointer when the server's encoding is UTF-8. `size` becomes the new length.
const char* text_to_client(const char* data, std::size_t& size);

}  // namespace pgrest::pg
