#include "pg/text.h"

#include <cstring>

extern "C" {
#include "mb/pg_wchar.h"
}

namespace pgrest::pg {

char* text_from_client(const char* data, std::size_t size) {
    char* copy = static_cast<char*>(palloc(size + 1));
    std::memcpy(copy, data, size);
    copy[size] = '\0';
    return pg_any_to_server(copy, static_cast<int>(size), PG_UTF8);
}

const char* text_to_client(const char* data, std::size_t& size) {
    const char* converted = pg_server_to_any(data, static_cast<int>(size), PG_UTF8);
    if (converted != data) size = std::strlen(converted);
    return converted;
}

}  // namespace pgrest::pg
