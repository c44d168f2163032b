#include "api/cursor.h"

#include "http/error.h"

namespace pgrest::api {

namespace {

constexpr std::size_t kShown = 200;

std::string shown(std::string_view text) {
    if (text.size() <= kShown) return std::string(text);
    std::size_t length = kShown;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
        --length;
    return std::string(text.substr(0, length)) + "...";
}

}  // namespace

void Cursor::fail(std::string_view expected) const {
    std::string message = "The parameter '" + shown(parameter_) + "' cannot be read at position " +
                          std::to_string(at_ + 1) + " of its value: " + shown(text_);
    std::string details = at_end() ? "Found the end of the value" : "Found '" + shown(rest()) + "'";
    details += "; expected " + std::string(expected) + ".";
    http::fail("PGRST100", std::move(message), std::move(details));
}

}  // namespace pgrest::api
