// response.headers and response.status, which SQL sets: nothing that is taken can split an answer.
#include "http/response_settings.h"
#include "check.h"

using namespace pgrest;

namespace {

std::string as_json(const http::Headers& headers) {
    std::string out;
    for (const http::Header& header : headers) {
        out += out.empty() ? "[{" : ",{";
        json::append_string(out, header.name);
        out += ':';
        json::append_string(out, header.value);
        out += '}';
    }
    return out.empty() ? "[]" : out + "]";
}

void check_replacement(const http::Headers& custom) {
    http::Headers headers{{"Content-Type", "application/json"}, {"Location", "/here"}};
    http::replace_headers(headers, custom);
    std::size_t kept = 0;
    for (const char* name : {"Content-Type", "Location"}) {
        fuzz::require(http::find_header(headers, name).has_value(), "a header is replaced, not taken away");
        if (!http::find_header(custom, name)) ++kept;
    }
    fuzz::require(headers.size() == custom.size() + kept, "every custom header is sent");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    const auto status = fuzz::accepted({"PGRST112"}, [&] { return http::parse_response_status(text); });
    fuzz::require(!status || *status >= 0, "a status is no negative number");
    const auto headers = fuzz::accepted({"PGRST111"}, [&] { return http::parse_response_headers(text); });
    if (!headers) return 0;
    for (const http::Header& header : *headers)
        fuzz::require(fuzz::is_token(header.name) && fuzz::fits_in_header(header.value), "a header fits in an answer");
    const http::Headers again = http::parse_response_headers(as_json(*headers));
    fuzz::require(as_json(again) == as_json(*headers), "headers keep their meaning when written back");
    check_replacement(*headers);
    return 0;
}
