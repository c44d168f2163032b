// Accept and Content-Type: types are clean, and what is negotiated can be sent.
#include <algorithm>

#include "answer/negotiation.h"
#include "api/parse.h"
#include "check.h"

using namespace pgrest;

namespace {

void check_type(const api::MediaType& type) {
    for (const char c : type.name)
        fuzz::require(c != ' ' && c != '\t' && !(c >= 'A' && c <= 'Z'), "a type is in small letters without blanks");
    const std::vector<std::string> order{"analyze", "verbose", "settings", "buffers", "wal"};
    auto from = order.begin();
    for (const std::string& option : type.plan_options) {
        from = std::find(from, order.end(), option);
        fuzz::require(from != order.end(), "options of plans are known, in their order, once each");
        ++from;
    }
}

void check_representation(const answer::Representation& representation) {
    for (const char c : representation.content_type)
        fuzz::require(c >= ' ' && c <= '~', "a Content-Type is printable");
    const std::string_view end = "; charset=utf-8";
    fuzz::require(representation.content_type.size() > end.size() &&
                      representation.content_type.substr(representation.content_type.size() - end.size()) == end,
                  "a Content-Type names its encoding");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz::whole(data, size));
    const auto types = api::parse_accept({{"Accept", text}});
    fuzz::require(!types.empty(), "an Accept header has at least one item");
    for (const api::MediaType& type : types)
        check_type(type);
    check_type(api::parse_content_type({{"Content-Type", text}}));

    for (const bool plans : {false, true}) {
        const auto chosen = fuzz::accepted({"PGRST107"}, [&] { return answer::negotiate(types, {plans}); });
        if (!chosen) continue;
        check_representation(*chosen);
        fuzz::require(plans || chosen->shape != answer::Shape::Plan, "plans are given only where they are offered");
    }
    const bool quotes_closed = std::count(text.begin(), text.end(), '"') % 2 == 0;
    if (quotes_closed) answer::negotiate(api::parse_accept({{"Accept", text + ",*/*;q=0"}}), {});
    return 0;
}
