// Paths of requests, and percent-encoding: names come back as they were encoded.
#include "api/parse.h"
#include "check.h"

using namespace pgrest;

namespace {

void check_percent_encoding(std::string_view text) {
    const std::string encoded = api::percent_encode(text);
    for (const char c : encoded)
        fuzz::require(c == '%' || (fuzz::is_token(std::string_view(&c, 1)) &&
                                   std::string_view("!#$&'*+^`|").find(c) == std::string_view::npos),
                      "encoded text has unreserved characters only");
    fuzz::require(api::percent_decode(encoded, true) == text, "encoded text decodes to what it was");
    fuzz::require(api::percent_decode(text, false).size() <= text.size(), "decoding does not lengthen text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    check_percent_encoding(text);
    const auto resource = fuzz::accepted({"PGRST125"}, [&] { return api::parse_path(text); });
    if (!resource) return 0;
    fuzz::require((resource->kind == api::ResourceKind::Root) == (text == "/"), "only / is the root");
    if (resource->kind == api::ResourceKind::Root) return 0;
    const std::string prefix = resource->kind == api::ResourceKind::Function ? "/rpc/" : "/";
    const api::Resource again = api::parse_path(prefix + api::percent_encode(resource->name));
    fuzz::require(again.kind == resource->kind && again.name == resource->name, "an encoded name is the same resource");
    return 0;
}
