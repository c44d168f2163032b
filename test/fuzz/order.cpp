// The order parameter and lists of names: what is parsed, written back and parsed again is the same.
#include "api/parse.h"
#include "check.h"
#include "print.h"

using namespace pgrest;

namespace {

void check_order(std::string_view text) {
    const auto terms = fuzz::accepted({"PGRST100"}, [&] { return api::parse_order(text); });
    if (!terms) return;
    fuzz::require(!terms->empty(), "an order has at least one term");
    const std::string printed = fuzz::print(*terms);
    fuzz::require(fuzz::print(api::parse_order(printed)) == printed, "an order keeps its meaning when written back");
}

void check_names(std::string_view text) {
    const auto names = fuzz::accepted({"PGRST100"}, [&] { return api::parse_name_list(text); });
    if (!names) return;
    const std::string printed = fuzz::joined(*names, [](const std::string& name) { return fuzz::in_quotes(name); });
    fuzz::require(api::parse_name_list(printed) == *names, "a list of names keeps its meaning when written back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    if (!json::valid_utf8(text)) return 0;  // parse_query() has refused such text before
    check_order(text);
    check_names(text);
    return 0;
}
