// limit and offset (first line, as a query string) with a Range header (second line): windows lie within their bounds.
#include "answer/content_range.h"
#include "api/parse.h"
#include "check.h"

using namespace pgrest;

namespace {

constexpr std::int64_t kBeyond = 4'000'000'000'000'000'000;

void check_window(const api::Window& window) {
    fuzz::require(window.offset >= 0 && window.offset < kBeyond, "an offset is no negative number");
    fuzz::require(!window.limit || (*window.limit >= 0 && *window.limit < kBeyond), "a limit is no negative number");
    const std::int64_t rows = window.limit ? *window.limit : 1;
    const std::string range = answer::content_range(window.offset, rows, {});
    fuzz::require(fuzz::fits_in_header(range) && range.substr(range.size() - 2) == "/*", "an uncounted total is *");
}

bool lies_within(const api::Window& inner, const api::Window& outer) {
    if (inner.limit && *inner.limit == 0) return true;
    if (inner.offset < outer.offset) return false;
    return !outer.limit || (inner.limit && inner.offset + *inner.limit <= outer.offset + *outer.limit);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::string query(input.line());
    const http::Headers headers{{"Range", std::string(input.line())}};
    const auto parsed =
        fuzz::accepted({"PGRST100"}, [&] { return api::parse_query(query, api::PairMeaning::FiltersAndArguments); });
    if (!parsed) return 0;
    const api::LimitOffset& given = parsed->root_range;
    const auto window = [&](const http::Headers& with, bool use) {
        return fuzz::accepted({"PGRST103"}, [&] { return api::root_window(given, with, use); });
    };
    const auto plain = window({}, true);
    const auto ignored = window(headers, false);
    const auto both = window(headers, true);
    for (const auto& one : {plain, ignored, both})
        if (one) check_window(*one);
    fuzz::require(plain.has_value() == ignored.has_value(), "a header that is not used changes nothing");
    if (!plain) return 0;
    fuzz::require(plain->offset == ignored->offset && plain->limit == ignored->limit &&
                      plain->huge_limit == ignored->huge_limit && plain->huge_offset == ignored->huge_offset,
                  "a header that is not used changes nothing");
    if (!both || both->huge_limit || both->huge_offset) return 0;
    fuzz::require(lies_within(*both, *plain), "a Range header only narrows a window");
    return 0;
}
