// The operation of a filter: what is parsed, written back and parsed again is the same; a value stays verbatim.
#include "api/parse.h"
#include "check.h"
#include "print.h"

using namespace pgrest;

namespace {

bool has_verbatim_value(api::Operator op) {
    return op != api::Operator::In && op != api::Operator::Is && op != api::Operator::Like &&
           op != api::Operator::Ilike;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    if (!json::valid_utf8(text)) return 0;  // parse_query() has refused such text before
    const auto parsed = fuzz::accepted({"PGRST100"}, [&] { return api::parse_operation(text); });
    if (!parsed || !*parsed) return 0;
    const api::Operation& operation = **parsed;
    fuzz::require(operation.list.empty() || operation.op == api::Operator::In, "only `in` has a list");
    fuzz::require(operation.value.find('\0') == std::string::npos, "a value ends at a NUL");
    fuzz::require(!has_verbatim_value(operation.op) || text.find(operation.value) != std::string_view::npos,
                  "a value stays as it was sent");
    const std::string printed = fuzz::print(operation);
    const auto again = api::parse_operation(printed);
    fuzz::require(again && fuzz::print(*again) == printed, "an operation keeps its meaning when written back");
    return 0;
}
