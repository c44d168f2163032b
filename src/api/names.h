// Names in URLs: columns, aliases, relations, and JSON paths after them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/cursor.h"
#include "api/syntax.h"

namespace pgrest::api {

// Quoted, or letters, digits, _ $ and blanks in runs joined by dashes; blanks around an unquoted name are dropped.
// Nothing (and the cursor where it was) when no name begins here.
std::optional<std::string> take_name(Cursor& cursor);
// The same; fails without a name.
std::string need_name(Cursor& cursor, std::string_view expected = "a name");

// A quoted text: "..." with \x for x. The cursor is at the opening quote. Nothing when it never closes.
std::optional<std::string> take_quoted(Cursor& cursor);

// The steps after a name: ->key, ->>key, ->0.
std::vector<JsonStep> take_path(Cursor& cursor);

Field need_field(Cursor& cursor);

// Letters (of any language), digits, _ and blanks of a type, $ inside its words, trimmed. Fails when there are none.
std::string need_type(Cursor& cursor);

// The code point at the start of the text and its length in bytes; text is UTF-8.
struct CodePoint {
    unsigned value = 0;
    std::size_t length = 1;
};
CodePoint code_point(std::string_view text);

bool is_letter(unsigned code_point);

// A name ends at a NUL, as everything that PostgreSQL takes for text.
std::string cut_at_nul(std::string text);

}  // namespace pgrest::api
