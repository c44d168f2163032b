// The defaults that the server parameters show (settings/table.h) are those of the configuration.
#include <gtest/gtest.h>

#include "auth/role_path.h"
#include "config/config.h"
#include "settings/table.h"

namespace config = pgrest::config;
namespace settings = pgrest::settings;

namespace {

config::Settings shown_defaults() {
    config::Settings shown;
    for (const settings::TextSetting& setting : settings::text_settings) {
        if (setting.newer_name || setting.default_text[0] == '\0') continue;
        shown[setting.name] = setting.default_text;
    }
    return shown;
}

}  // namespace

TEST(SettingsTable, ShownDefaultsAreTheRealOnes) {
    const config::Built silent = config::build({}, 0);
    const config::Built shown = config::build(shown_defaults(), 0);
    ASSERT_TRUE(silent.config);
    ASSERT_TRUE(shown.config) << (shown.problems.empty() ? "" : shown.problems.front().setting);
    const config::Config& a = *silent.config;
    const config::Config& b = *shown.config;
    EXPECT_EQ(a.schemas, b.schemas);
    EXPECT_EQ(a.extra_search_path, b.extra_search_path);
    EXPECT_EQ(a.tx_end, b.tx_end);
    EXPECT_EQ(a.aggregates_enabled, b.aggregates_enabled);
    EXPECT_EQ(a.plan_enabled, b.plan_enabled);
    EXPECT_EQ(a.db_config, b.db_config);
    EXPECT_EQ(a.hoisted_settings, b.hoisted_settings);
    EXPECT_EQ(a.legacy_target_names, b.legacy_target_names);
    EXPECT_EQ(a.verbosity, b.verbosity);
    EXPECT_EQ(a.openapi_mode, b.openapi_mode);
    EXPECT_EQ(a.jwt_cache_max_entries, b.jwt_cache_max_entries);
    EXPECT_FALSE(b.keys);
    EXPECT_EQ(a.max_rows, b.max_rows);
}

TEST(SettingsTable, OlderNamesFollowTheNewer) {
    bool older = false;
    for (const settings::TextSetting& setting : settings::text_settings) {
        if (setting.newer_name) older = true;
        EXPECT_EQ(older, setting.newer_name != nullptr) << setting.name;
    }
}

TEST(SettingsTable, EverySettingIsKnownToTheConfiguration) {
    for (const settings::TextSetting& setting : settings::text_settings)
        EXPECT_FALSE(config::refuse(settings::configuration_name(setting), "")) << setting.name;
}
