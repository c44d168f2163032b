#include "http/head.h"

#include <algorithm>

#include "http/error.h"

namespace pgrest::http {

namespace {

[[noreturn]] void refuse(const char* message) {
    fail("PGRST400", message);
}

// ---------------------------------------------------------------- characters
bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// Bytes above 0x7F are let through: many programs do not encode what people type into them.
bool is_target_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) || c == ' '; });
}

bool is_field_value(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return is_control(c) && c != '\t'; });
}

// RFC 9110 section 7.2: uri-host and port, without looking at their grammar.
bool is_host(std::string_view text) {
    constexpr std::string_view others = "/?#@\"\\<>^`{|}";
    return std::none_of(text.begin(), text.end(),
                        [&](char c) { return c <= ' ' || is_control(c) || others.find(c) != std::string_view::npos; });
}

// ---------------------------------------------------------------- target
// Where the path or the query begins; nothing when the target is not in absolute form.
std::optional<std::size_t> end_of_authority(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.size() <= scheme.size() || !same_name(target.substr(0, scheme.size()), scheme)) continue;
        const std::size_t end = std::min(target.find_first_of("/?", scheme.size()), target.size());
        if (end > scheme.size()) return end;
    }
    return {};
}

void check_target(std::string_view method, std::string_view target) {
    if (method == "CONNECT") fail("PGRST117", "The method CONNECT is not supported");
    if (!is_target_text(target)) refuse("The request target holds a space or a control character");
    if (target.starts_with('/')) return;
    if (const auto end = end_of_authority(target)) {
        const std::size_t begin = target.find("//") + 2;
        if (!is_host(target.substr(begin, *end - begin))) refuse("The request target names a malformed host");
        return;
    }
    if (target != "*") refuse("The request target is neither a path nor a URI");
    if (method != "OPTIONS") refuse("The request target * belongs to the method OPTIONS");
}

// ---------------------------------------------------------------- fields
std::size_t count(const Headers& headers, std::string_view name) {
    return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(),
                                                  [=](const Header& header) { return same_name(header.name, name); }));
}

void check_fields(const Headers& headers) {
    for (const Header& header : headers) {
        if (!is_token(header.name)) refuse("The request has a malformed header name");
        if (!is_field_value(header.value)) refuse("The request has a control character in a header");
    }
}

void check_host(const Headers& headers, bool required) {
    const std::size_t hosts = count(headers, "Host");
    if (hosts > 1) refuse("The request has more than one Host");
    if (hosts == 0 && required) refuse("The request has no Host");
    if (hosts == 1 && !is_host(*find_header(headers, "Host"))) refuse("The request has a malformed Host");
}

void check_framing(const Headers& headers, bool codings_known) {
    const std::size_t lengths = count(headers, "Content-Length");
    const std::size_t codings = count(headers, "Transfer-Encoding");
    if (lengths > 1) refuse("The request has more than one Content-Length");
    if (codings == 0) return;
    if (lengths > 0) refuse("The request has both Content-Length and Transfer-Encoding");
    if (codings > 1) refuse("The request has more than one Transfer-Encoding");
    if (!codings_known) refuse("A request of HTTP/1.0 cannot have a Transfer-Encoding");
    if (!same_name(*find_header(headers, "Transfer-Encoding"), "chunked"))
        refuse("The only transfer coding that is understood is chunked");
}

}  // namespace

void require_sound(const Head& head) {
    const bool old = head.version == "HTTP/1.0";
    if (!is_token(head.method)) refuse("The request has a malformed method");
    check_target(head.method, head.target);
    check_fields(head.headers);
    check_host(head.headers, !old);
    check_framing(head.headers, !old);
}

std::string_view origin_form(std::string_view target) {
    if (target == "*") return "/";
    const auto end = end_of_authority(target);
    if (!end) return target;
    return *end == target.size() ? "/" : target.substr(*end);
}

// ---------------------------------------------------------------- layout
HeadLayout::HeadLayout(std::string_view method, std::string_view target, std::string_view version)
    : begin_(method.data()),
      end_(version.data() + version.size()),
      seamless_(target.data() == method.data() + method.size() + 1 &&
                version.data() == target.data() + target.size() + 1) {}

void HeadLayout::add(std::string_view name, std::string_view value) {
    seamless_ = seamless_ && name.data() == end_ + 2 && value.data() > name.data() + name.size();
    end_ = value.data() + value.size();
}

bool HeadLayout::is_seamless(std::size_t size) const {
    return seamless_ && end_ + 4 == begin_ + size;
}

}  // namespace pgrest::http
