// response.status and response.headers: what SQL may change in an answer. Pure C++.
#pragma once

#include <string_view>

#include "http/message.h"

namespace pgrest::http {

// The leading digits of the text. Throws PGRST112 when there are none.
int parse_response_status(std::string_view text);

// A JSON array of objects with exactly one member each, whose value is a string. Throws PGRST111.
Headers parse_response_headers(std::string_view text);

// Adds custom headers; one of the server's of the same name gives way, several custom ones of one name are all kept.
void replace_headers(Headers& headers, const Headers& custom);

}  // namespace pgrest::http
