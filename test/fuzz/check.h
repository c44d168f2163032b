// What the fuzz targets share. A target takes bytes, lets the code under test work on them, and checks what must hold
// of every result; require() ends the process where it does not, and libFuzzer keeps the bytes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "http/error.h"
#include "json/json.h"

namespace pgrest::fuzz {

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "this does not hold: %s\n", what);
    std::abort();
}

// The result of the call; nothing when it refused its input with one of these codes. Any other failure ends the run.
template <typename F>
auto accepted(std::initializer_list<std::string_view> codes, F call) -> std::optional<decltype(call())> {
    try {
        return call();
    } catch (const http::Failure& failure) {
        for (const std::string_view code : codes)
            if (failure.error().code == code) return {};
        std::fprintf(stderr, "refused with %s\n", failure.error().code.c_str());
        std::abort();
    }
}

// The input as lines, so that seeds can be read and written by people.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

    std::string_view line() {
        const std::size_t end = rest_.find('\n');
        const std::string_view taken = rest_.substr(0, end);
        rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
        return taken;
    }
    std::string_view rest() const { return rest_; }
    bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

inline std::string_view whole(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// RFC 9110 section 5.6.2
inline bool is_token(std::string_view text) {
    for (const char c : text) {
        const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alphanumeric && (c == '\0' || std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos))
            return false;
    }
    return !text.empty();
}

// Nothing in the text can end a header field.
inline bool fits_in_header(std::string_view text) {
    for (const char c : text)
        if (c == '\r' || c == '\n' || c == '\0') return false;
    return true;
}

inline json::Value require_json(std::string_view text, json::Kind kind, const char* what) {
    const auto value = json::parse(text);
    require(value && value->kind == kind, what);
    return *value;
}

}  // namespace pgrest::fuzz
