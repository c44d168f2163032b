#include "http/log_text.h"

namespace pgrest::http {

namespace {

constexpr std::size_t longest_path = 200;

std::string printable(std::string_view text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (out.size() >= longest_path) return out + "...";
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7F) {
            out += c;
            continue;
        }
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

}  // namespace

std::string request_line(const Request& request) {
    return printable(request.method) + " " + printable(request.path);
}

std::string log_text(const Request& request, const Error& error) {
    const std::string what = request.method.empty() ? "a connection" : request_line(request);
    return what + " answered with " + std::to_string(error.status) + ": " +
           to_response(error, /* minimal */ false).body;
}

}  // namespace pgrest::http
