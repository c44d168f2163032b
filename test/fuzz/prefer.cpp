// Prefer: one header or several make no difference, unknown items are kept as they were sent, and what an answer says
// was applied means the same when it is sent as a preference.
#include <algorithm>

#include "answer/preference_applied.h"
#include "api/parse.h"
#include "check.h"

using namespace pgrest;

namespace {

bool same(const api::Preferences& a, const api::Preferences& b) {
    return a.resolution == b.resolution && a.missing == b.missing && a.representation == b.representation &&
           a.count == b.count && a.tx == b.tx && a.handling == b.handling && a.timezone == b.timezone &&
           a.max_affected == b.max_affected;
}

void check_applied(const api::Preferences& preferences) {
    answer::Honoured honoured;
    honoured.resolution = honoured.missing = honoured.representation = honoured.max_affected = true;
    const auto applied =
        answer::preference_applied(preferences, honoured, config::TxEnd::CommitAllowOverride).value_or("");
    api::Preferences again = api::parse_preferences({{"Prefer", applied}});
    // shown only where it has an effect
    if (preferences.handling != api::Handling::Strict) again.max_affected = preferences.max_affected;
    fuzz::require(same(again, preferences), "Preference-Applied says what was asked for");
    fuzz::require(applied.empty() || again.unknown.empty(), "Preference-Applied holds nothing unknown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz::whole(data, size));
    const api::Preferences preferences = api::parse_preferences({{"Prefer", text}});
    for (const std::string& item : preferences.unknown)
        fuzz::require(item.find(',') == std::string::npos && text.find(item) != std::string::npos,
                      "an unknown item is kept as it was sent");
    http::Headers several;
    for (std::size_t start = 0, end = 0; end != std::string::npos; start = end + 1) {
        end = text.find(',', start);
        several.push_back({several.empty() ? "prefer" : "PREFER", text.substr(start, end - start)});
    }
    const api::Preferences split = api::parse_preferences(several);
    fuzz::require(same(split, preferences) && split.unknown == preferences.unknown,
                  "several headers are the same as one");
    check_applied(preferences);
    return 0;
}
