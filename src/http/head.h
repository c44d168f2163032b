// What a server refuses of the head of a request, because two readers of one stream of requests could understand it
// differently (request smuggling), or because HTTP gives it no meaning: RFC 9112 sections 2.2, 3, 5 and 6.
// Pure C++.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/message.h"

namespace pgrest::http {

struct Head {
    std::string_view method;
    std::string_view target;   // as sent
    std::string_view version;  // "HTTP/1.1"
    const Headers& headers;
};

// Throws Failure with PGRST400, or PGRST117 for CONNECT. After it the connection must be closed: where this request
// ends, or whether it is one, is not certain.
void require_sound(const Head& head);

// RFC 9112 section 3.2: path and query of a sound target in origin, absolute or asterisk form. The path can be empty,
// which means "/".
std::string_view origin_form(std::string_view target);

// Finds out whether a parser dropped or joined bytes of the head. libmicrohttpd before 0.9.77 takes a line feed alone
// for the end of a line, ends a value at a zero byte, joins a folded line with the name before it, and ends the head at
// a line that begins with a colon or a zero byte, all without a word. But it parses in place: method, target, version,
// names and values are views into the bytes as they came, so what it left out shows as a gap between them. Sound is
//
//     method SP target SP version CRLF (name ":" blanks value CRLF)* CRLF
//
// It overwrites the ends of lines, so two things cannot be told from CRLF: a zero byte with a line feed, and, as the
// last four bytes of the head, a line feed alone with such a line of three bytes (or CRLF with one of two bytes).
// Neither comes through a proxy that writes its own line ends.
class HeadLayout {
public:
    HeadLayout(std::string_view method, std::string_view target, std::string_view version);
    void add(std::string_view name, std::string_view value);  // in the order of the head
    // size: bytes from the first of the method to the end of the empty line
    bool is_seamless(std::size_t size) const;

private:
    const char* begin_;
    const char* end_;  // of what has been seen
    bool seamless_;
};

}  // namespace pgrest::http
