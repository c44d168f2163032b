// Text between UTF-8, which all of pgrest speaks, and the encoding of the database, which PostgreSQL speaks. This is
// the only place that converts. In a UTF8 database nothing is converted, nor in a process without a database (a
// listener) or in one of SQL_ASCII.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pg/postgres.h"

namespace pgrest::pg {

// Is text of the server UTF-8 as it stands?
bool server_speaks_utf8();

// ---------------------------------------------------------------- C: these may ereport and are called inside guarded()
// Raises when nothing can convert the database's encoding. The first call, which looks for the functions, needs a
// transaction; every other function here makes it, but the shown_... ones.
void prepare_conversion();

// A palloc'd, verified, NUL-terminated copy in the server's encoding. Raises 22021 for bytes that are no UTF-8, NUL
// included, and 22P05 for characters that the server's encoding lacks.
char* text_from_client(const char* data, std::size_t size);

// The text as UTF-8; the same pointer when it is that already. `size` becomes the new length. Raises 22P05 for
// characters that Unicode lacks.
const char* text_to_client(const char* data, std::size_t& size);

// ---------------------------------------------------------------- C++: these throw pg::Error
// The text in the server's encoding, as text_from_client() makes it; but a UTF8 server gets it as it is, unverified.
std::string to_server(std::string text);
std::string from_server(std::string text);

// The same without a copy where none is needed; `text` must outlive it.
class ServerText {
public:
    explicit ServerText(const std::string& text);
    const char* c_str() const { return converted_ ? converted_->c_str() : text_.c_str(); }

private:
    const std::string& text_;
    std::optional<std::string> converted_;
};

// A name (of a schema, a relation, ...) as the catalogs have it; nothing when no name of a catalog can be like this:
// too long in the server's encoding (PostgreSQL would cut it), with a NUL, no UTF-8. Throws 22P05 for characters that
// the encoding lacks.
std::optional<std::string> name_to_server(std::string_view name);

// A name or an expression out of the catalogs, "" for nullptr. One that would not come back as the same bytes is made
// into one that begins with U+FFFD: there is no such name, and a statement that holds it fails.
std::string name_from_server(const char* name);

// ---------------------------------------------------------------- for people
// Texts of errors and log lines, whatever they hold: bytes that cannot be converted are shown as \xNN.
std::string shown_from_server(std::string_view text);
std::string shown_to_server(std::string_view text);

}  // namespace pgrest::pg
