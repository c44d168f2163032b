#include "http/wire.h"

#include <cstring>

namespace pgrest::http::wire {

void Encoder::number(std::uint64_t value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof raw);
}

void Encoder::text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
}

void Encoder::headers(const Headers& headers) {
    number(headers.size());
    for (const Header& header : headers) {
        text(header.name);
        text(header.value);
    }
}

std::uint64_t Decoder::number() {
    std::uint64_t value = 0;
    if (rest_.size() < sizeof value) throw Malformed();
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
}

std::string_view Decoder::text() {
    const std::uint64_t size = number();
    if (size > rest_.size()) throw Malformed();
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
}

Headers Decoder::headers() {
    const std::uint64_t count = number();
    if (count > rest_.size() / (2 * sizeof count)) throw Malformed();
    Headers headers;
    headers.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        std::string name(text());
        headers.push_back({std::move(name), std::string(text())});
    }
    return headers;
}

std::string encode_request(const Request& request, const auth::Identity& identity) {
    Encoder encoder;
    encoder.text(request.method);
    encoder.text(request.path);
    encoder.text(request.query);
    encoder.headers(request.headers);
    encoder.text(identity.role);
    encoder.text(identity.claims);
    encoder.number(identity.authenticated ? 1 : 0);
    return encoder.bytes();
}

DecodedRequest decode_request(std::string_view bytes) {
    Decoder decoder(bytes);
    DecodedRequest decoded;
    decoded.request.method = decoder.text();
    decoded.request.path = decoder.text();
    decoded.request.query = decoder.text();
    decoded.request.headers = decoder.headers();
    decoded.identity.role = decoder.text();
    decoded.identity.claims = decoder.text();
    decoded.identity.authenticated = decoder.number() != 0;
    if (!decoder.at_end()) throw Malformed();
    return decoded;
}

std::string encode_answer_head(int status, std::string_view reason, const Headers& headers,
                               std::optional<std::uint64_t> content_length) {
    Encoder encoder;
    encoder.number(static_cast<std::uint64_t>(status));
    encoder.text(reason);
    encoder.number(content_length.has_value() ? 1 : 0);
    encoder.number(content_length.value_or(0));
    encoder.headers(headers);
    return encoder.bytes();
}

AnswerHead decode_answer_head(std::string_view bytes) {
    Decoder decoder(bytes);
    AnswerHead head;
    head.status = static_cast<int>(decoder.number());
    head.reason = decoder.text();
    const bool has_length = decoder.number() != 0;
    const std::uint64_t length = decoder.number();
    if (has_length) head.content_length = length;
    head.headers = decoder.headers();
    if (!decoder.at_end()) throw Malformed();
    return head;
}

std::string encode_settings(const config::Settings& settings) {
    Encoder encoder;
    encoder.number(settings.size());
    for (const auto& [name, value] : settings) {
        encoder.text(name);
        encoder.text(value);
    }
    return encoder.bytes();
}

config::Settings decode_settings(std::string_view bytes) {
    Decoder decoder(bytes);
    config::Settings settings;
    for (std::uint64_t left = decoder.number(); left > 0; --left) {
        std::string name(decoder.text());
        settings[std::move(name)] = decoder.text();
    }
    if (!decoder.at_end()) throw Malformed();
    return settings;
}

}  // namespace pgrest::http::wire
