#include <algorithm>

#include "api/parse.h"
#include "http/error.h"

namespace pgrest::api {

namespace {

constexpr std::size_t kDigitsOf64Bits = 18;  // that many always fit

[[noreturn]] void fail_range(const std::string& details) {
    http::fail("PGRST103", "The requested range cannot be satisfied", details);
}

bool is_negative(const std::string& number) {
    return number.front() == '-';
}

bool is_huge(const std::string& number) {
    return number.size() > kDigitsOf64Bits + (is_negative(number) ? 1 : 0);
}

bool all_digits(std::string_view text) {
    return !text.empty() && text.size() <= kDigitsOf64Bits &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct Bounds {
    std::int64_t first = 0;
    std::optional<std::int64_t> last;
};

// first-last or first-, digits only; any other form is ignored (RFC 9110 section 14.2 allows it).
std::optional<Bounds> range_header(const http::Headers& headers) {
    const auto value = http::find_header(headers, "Range");
    if (!value) return {};
    const std::size_t dash = value->find('-');
    if (dash == std::string_view::npos) return {};
    const std::string_view first = value->substr(0, dash);
    const std::string_view last = value->substr(dash + 1);
    if (!all_digits(first) || (!last.empty() && !all_digits(last))) return {};
    Bounds bounds{std::stoll(std::string(first)), {}};
    if (!last.empty()) bounds.last = std::stoll(std::string(last));
    if (bounds.last && bounds.first > *bounds.last)
        fail_range("The lower bound of a range must not be above the upper one.");
    return bounds;
}

Bounds bounds_of(const LimitOffset& given, std::int64_t limit, bool limited) {
    const std::int64_t offset = given.offset ? std::stoll(*given.offset) : 0;
    Bounds bounds{std::max<std::int64_t>(offset, 0), {}};
    if (limited) bounds.last = offset + limit - 1;
    return bounds;
}

}  // namespace

Window root_window(const LimitOffset& given, const http::Headers& headers, bool use_range_header) {
    Window window;
    if (given.limit && is_negative(*given.limit) && *given.limit != "-0") fail_range("A limit must not be negative.");
    if (given.offset && is_huge(*given.offset) && !is_negative(*given.offset)) window.huge_offset = given.offset;
    if (given.limit && is_huge(*given.limit)) window.huge_limit = given.limit;
    if (window.huge_limit || window.huge_offset) {
        if (given.limit && !window.huge_limit) window.limit = std::stoll(*given.limit);
        return window;
    }
    const bool limited = given.limit.has_value();
    const std::int64_t limit = limited ? std::stoll(*given.limit) : 0;
    LimitOffset usable = given;
    if (usable.offset && is_huge(*usable.offset)) usable.offset = "-999999999999999999";
    const std::optional<Bounds> header = use_range_header ? range_header(headers) : std::nullopt;
    Bounds bounds = bounds_of(usable, limit, limited);
    if (limited && limit == 0 && bounds.first == 0) {
        window.limit = 0;
        return window;
    }
    const bool unusable_limit = given.limit_given && !limited;
    if (unusable_limit && bounds.first > 0) fail_range("An offset needs a limit that is a whole number.");
    if (header) {
        bounds.first = std::max(bounds.first, header->first);
        if (header->last) bounds.last = bounds.last ? std::min(*bounds.last, *header->last) : *header->last;
    }
    if (bounds.last && bounds.first > *bounds.last) fail_range("The lower bound of the range is above the upper one.");
    window.offset = bounds.first;
    if (bounds.last) window.limit = *bounds.last - bounds.first + 1;
    return window;
}

}  // namespace pgrest::api
