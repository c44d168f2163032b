// The select parameter: what is parsed, written back and parsed again is the same.
#include "api/parse.h"
#include "check.h"
#include "print.h"

using namespace pgrest;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    if (!json::valid_utf8(text)) return 0;  // parse_query() has refused such text before
    const auto items = fuzz::accepted({"PGRST100"}, [&] { return api::parse_select(text); });
    if (!items) return 0;
    const std::string printed = fuzz::print(*items);
    fuzz::require(fuzz::print(api::parse_select(printed)) == printed,
                  "a select list keeps its meaning when written back");
    return 0;
}
