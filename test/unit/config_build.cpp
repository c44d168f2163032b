// Settings as text become a configuration, or say why not.
#include <gtest/gtest.h>

#include "auth/key_set.h"
#include "config/config.h"
#include "config/values.h"

namespace pgrest {
namespace {

TEST(Config, HasDefaults) {
    const config::Built built = config::build({}, 7);
    ASSERT_TRUE(built.config);
    EXPECT_EQ(built.config->generation, 7u);
    EXPECT_EQ(built.config->schemas, std::vector<std::string>{"public"});
    EXPECT_FALSE(built.config->keys);
    EXPECT_FALSE(built.config->max_rows);
    EXPECT_TRUE(built.config->lock_role);
    EXPECT_FALSE(built.config->require_filter);
    EXPECT_TRUE(built.problems.empty());
}

TEST(Config, ReadsEverySetting) {
    const config::Built built = config::build({{"db_schemas", " api , other"},
                                               {"db_anon_role", "anon"},
                                               {"db_max_rows", "10"},
                                               {"db_tx_end", "rollback-allow-override"},
                                               {"db_aggregates_enabled", "on"},
                                               {"client_error_verbosity", "minimal"},
                                               {"cancel_on_disconnect", "all"},
                                               {"lock_role", "off"},
                                               {"require_filter", "on"},
                                               {"server_cors_allowed_origins", "http://a, http://b"}},
                                              1);
    ASSERT_TRUE(built.config);
    EXPECT_EQ(built.config->schemas, (std::vector<std::string>{"api", "other"}));
    EXPECT_EQ(built.config->max_rows, 10);
    EXPECT_EQ(built.config->tx_end, config::TxEnd::RollbackAllowOverride);
    EXPECT_TRUE(built.config->aggregates_enabled);
    EXPECT_EQ(built.config->verbosity, config::Verbosity::Minimal);
    EXPECT_EQ(built.config->cancel_on_disconnect, config::CancelOnDisconnect::All);
    EXPECT_FALSE(built.config->lock_role);
    EXPECT_TRUE(built.config->require_filter);
    EXPECT_EQ(built.config->cors_origins.size(), 2u);
}

TEST(Config, RefusesWhatCannotWork) {
    const std::pair<const char*, const char*> wrong[] = {
        {"db_schemas", "pg_catalog"},
        {"db_schemas", "a,,b"},
        {"db_tx_end", "sometimes"},
        {"db_max_rows", "many"},
        {"client_error_verbosity", "loud"},
        {"openapi_mode", "maybe"},
        {"lock_role", "perhaps"},
        {"cancel_on_disconnect", "writes"},
        {"jwt_role_claim_key", "no path ["},
        {"jwt_aud", "no uri: at all"},
        {"max_body_size", "-2"},
        {"max_embeds", "-1"},
        {"max_filters", "many"},
        {"db_schemas", "\xe9t\xe9"},
        {"db_anon_role", "\xe9"},
    };
    for (const auto& [name, value] : wrong) {
        EXPECT_TRUE(config::refuse(name, value)) << name << "=" << value;
        const config::Built built = config::build({{name, value}}, 1);
        EXPECT_FALSE(built.config) << name << "=" << value;
        ASSERT_EQ(built.problems.size(), 1u);
        EXPECT_EQ(built.problems[0].setting, std::string("pgrest.") + name);
    }
}

TEST(Config, TakesTextInUtf8AndSecretsOfAnyBytes) {
    const config::Built built =
        config::build({{"db_schemas", "été, 日本"}, {"jwt_secret", "\xe9 of 32 bytes or more of text....."}}, 1);
    ASSERT_TRUE(built.config);
    EXPECT_EQ(built.config->schemas, (std::vector<std::string>{"été", "日本"}));
}

TEST(Config, NeverTellsTheSecret) {
    const std::string secret = R"({"kty":"oct","k":"very-secret-text)";
    const config::Built built = config::build({{"jwt_secret", secret}}, 1);
    ASSERT_EQ(built.problems.size(), 1u);
    EXPECT_EQ(built.problems[0].reason.find("very-secret-text"), std::string::npos);
}

TEST(Config, WarnsOfShortSecretsAndOldSyntax) {
    EXPECT_EQ(config::build({{"jwt_secret", "short"}}, 1).warnings.size(), 1u);
    EXPECT_EQ(config::build({{"jwt_role_claim_key", ".role"}}, 1).warnings.size(), 1u);
    EXPECT_TRUE(config::build({{"jwt_secret", "a secret of the unit tests, which has 32 bytes"}}, 1).warnings.empty());
}

TEST(Config, DecodesBase64) {
    EXPECT_TRUE(
        config::build(
            {{"jwt_secret", "c2VjcmV0IG9mIHRoZSB1bml0IHRlc3RzLCAzMiBieXRlcw=="}, {"jwt_secret_is_base64", "true"}}, 1)
            .config);
    EXPECT_FALSE(config::build({{"jwt_secret", "no base64"}, {"jwt_secret_is_base64", "true"}}, 1).config);
}

TEST(Config, KnowsOlderNamesAndPrefersTheNewer) {
    EXPECT_EQ(config::build({{"pre_request", "old"}}, 1).config->pre_request, "old");
    EXPECT_EQ(config::build({{"pre_request", "old"}, {"db_pre_request", "new"}}, 1).config->pre_request, "new");
}

TEST(Values, OfBooleansIntegersAndLists) {
    EXPECT_EQ(config::read_bool("on"), true);
    EXPECT_EQ(config::read_bool("FALSE"), false);
    EXPECT_FALSE(config::read_bool("maybe"));
    EXPECT_EQ(config::read_integer("-5"), -5);
    EXPECT_FALSE(config::read_integer("5x"));
    EXPECT_FALSE(config::read_integer("99999999999999999999"));
    EXPECT_EQ(config::read_list(" a , b"), (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(config::read_list("").empty());
}

}  // namespace
}  // namespace pgrest
