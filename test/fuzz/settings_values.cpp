// Values of settings. Lines are `name = value`: one that is refused alone is refused together with others, a
// configuration comes of nothing else, and no reason tells a secret.
#include <algorithm>

#include "check.h"
#include "config/config.h"
#include "config/values.h"

using namespace pgrest;

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

void check_values(const std::string& text) {
    const auto number = config::read_integer(text);
    if (number) fuzz::require(config::read_integer(std::to_string(*number)) == number, "a number can be written back");
    fuzz::require(!config::read_bool(text) || !number || *number == 0 || *number == 1,
                  "of the numbers only 0 and 1 are flags");
    const auto items = config::read_list(text);
    std::string again;
    for (std::size_t i = 0; i < items.size(); ++i)
        again += (i ? " , " : "") + items[i];
    fuzz::require(items.empty() || (items.size() == 1 && items[0].empty()) || config::read_list(again) == items,
                  "a list can be written back");
}

void check_config(const config::Config& config) {
    fuzz::require(!config.schemas.empty() && config.role_path, "there are schemas and a role path");
    for (const auto* list :
         {&config.schemas, &config.extra_search_path, &config.cors_origins, &config.hoisted_settings})
        fuzz::require(std::find(list->begin(), list->end(), "") == list->end(), "no list has an empty item");
    fuzz::require(!config.max_rows || *config.max_rows >= 0, "max_rows is no negative number");
}

void check_secrecy(const config::Settings& settings, const config::Built& built) {
    const auto secret = settings.find("jwt_secret");
    // one that cannot be a part of what the reasons say anyway
    constexpr std::size_t kTelling = 6;
    if (secret == settings.end() || secret->second.size() < kTelling) return;
    if (secret->second.find_first_of("01456789") == std::string::npos) return;
    for (const auto* list : {&built.problems, &built.warnings})
        for (const config::Problem& problem : *list)
            fuzz::require(
                problem.setting != "pgrest.jwt_secret" || problem.reason.find(secret->second) == std::string::npos,
                "no reason tells the secret");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    config::Settings settings;
    bool refused = false;
    while (!input.at_end()) {
        const std::string_view line = input.line();
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        const std::string name(trimmed(line.substr(0, equals)));
        const std::string value(trimmed(line.substr(equals + 1)));
        check_values(value);
        if (settings.emplace(name, value).second && config::refuse(name, value)) refused = true;
    }
    const config::Built built = config::build(settings, 7);
    fuzz::require((built.config == nullptr) == !built.problems.empty(), "a configuration has no problems");
    if (built.config) check_config(*built.config);
    // an older name may be refused alone and yet give way to the newer one, and base64 may hide a key
    const bool overruled = settings.count("db_schema") || settings.count("pre_request") ||
                           settings.count("role_claim_key") || settings.count("secret_is_base64") ||
                           settings.count("jwt_secret_is_base64");
    fuzz::require(overruled || refused == !built.problems.empty(), "settings are judged alone as they are together");
    check_secrecy(settings, built);
    return 0;
}
