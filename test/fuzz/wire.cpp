// Messages between processes: bytes either are a message that encodes to the same again, or are refused.
#include "http/wire.h"
#include "check.h"

using namespace pgrest;
namespace wire = http::wire;

namespace {

template <typename F>
auto decoded(F decode) -> std::optional<decltype(decode())> {
    try {
        return decode();
    } catch (const wire::Malformed&) {
        return {};
    }
}

std::string encode(const wire::DecodedRequest& message) {
    return wire::encode_request(message.request, message.identity);
}

std::string encode(const wire::AnswerHead& head) {
    return wire::encode_answer_head(head.status, head.reason, head.headers, head.content_length);
}

// The bytes as the fields of a message.
void check_from_fields(fuzz::Input input) {
    wire::DecodedRequest message;
    message.request.method = input.line();
    message.request.path = input.line();
    message.request.query = input.line();
    message.identity.role = input.line();
    message.identity.claims = input.line();
    while (!input.at_end()) {
        std::string name(input.line());
        message.request.headers.push_back({std::move(name), std::string(input.line())});
    }
    const std::string bytes = encode(message);
    const wire::DecodedRequest again = wire::decode_request(bytes);
    fuzz::require(again.request.query == message.request.query && again.identity.claims == message.identity.claims &&
                      again.request.headers.size() == message.request.headers.size() && encode(again) == bytes,
                  "a message arrives as it was sent");
    const auto cut = decoded([&] { return wire::decode_request(std::string_view(bytes).substr(0, bytes.size() - 1)); });
    fuzz::require(!cut, "a cut message is refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = fuzz::whole(data, size);
    if (const auto request = decoded([&] { return wire::decode_request(bytes); })) {
        const std::string again = encode(*request);
        fuzz::require(again.size() == bytes.size() && encode(wire::decode_request(again)) == again,
                      "a request that was read can be written");
    }
    if (const auto head = decoded([&] { return wire::decode_answer_head(bytes); })) {
        const std::string again = encode(*head);
        fuzz::require(again.size() == bytes.size() && encode(wire::decode_answer_head(again)) == again,
                      "a head that was read can be written");
    }
    check_from_fields(fuzz::Input(data, size));
    return 0;
}
