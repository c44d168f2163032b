// The cache of verified tokens: bounded in number and memory, the often used ones stay.
#include "auth/token_cache.h"

#include "tokens.h"

namespace pgrest {
namespace {

class Cache : public testing::Test {
protected:
    bool knows(const std::string& token, std::int64_t capacity = 4) {
        return cache_.impl().find(token, keys_, capacity) != nullptr;
    }
    bool add(const std::string& token, std::int64_t capacity = 4, std::size_t size = 10) {
        if (knows(token, capacity)) return true;
        auth::Claims claims;
        claims.text = std::string(size, 'x');
        return cache_.impl().add(token, claims, capacity) != nullptr;
    }

    auth::TokenCache cache_;
    std::shared_ptr<const auth::KeySet> keys_ = keys(kSecret);
};

TEST_F(Cache, HoldsNoMoreThanItMay) {
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(add("token " + std::to_string(i)));
        EXPECT_LE(cache_.impl().size(), 4U);
    }
    EXPECT_EQ(cache_.impl().size(), 4U);
    EXPECT_TRUE(knows("token 999"));
}

TEST_F(Cache, KeepsWhatIsUsedOften) {
    for (int i = 0; i < 1000; ++i) {
        EXPECT_TRUE(add("often"));
        add("token " + std::to_string(i));
        EXPECT_TRUE(knows("often")) << i;
    }
}

TEST_F(Cache, IsBoundedInMemory) {
    constexpr std::size_t kLarge = 20000;
    std::size_t most = 0;
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(add("token " + std::to_string(i), 10, kLarge));
        most = std::max(most, cache_.impl().bytes());
    }
    EXPECT_LE(most, 10 * 16384U);
    EXPECT_LT(cache_.impl().size(), 10U);
    EXPECT_GE(cache_.impl().size(), 3U);
    EXPECT_TRUE(knows("token 99", 10));
}

TEST_F(Cache, LeavesOutWhatWouldFillItAlone) {
    EXPECT_TRUE(add("small"));
    EXPECT_FALSE(add("huge", 4, 100000));
    EXPECT_TRUE(knows("small"));
    EXPECT_FALSE(knows("huge"));
}

TEST_F(Cache, IsOffWithZeroOrLess) {
    for (const std::int64_t capacity : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN}) {
        EXPECT_FALSE(add("token", capacity));
        EXPECT_EQ(cache_.impl().size(), 0U);
    }
}

TEST_F(Cache, TakesAnotherSizeAtOnce) {
    for (int i = 0; i < 10; ++i)
        add("token " + std::to_string(i), 10);
    EXPECT_EQ(cache_.impl().size(), 10U);
    knows("token 0", 3);
    EXPECT_EQ(cache_.impl().size(), 3U);
    knows("token 0", 0);
    EXPECT_EQ(cache_.impl().size(), 0U);
    EXPECT_EQ(cache_.impl().bytes(), 0U);
    EXPECT_TRUE(add("token", INT64_MAX));
}

TEST_F(Cache, ForgetsEverythingWithOtherKeys) {
    add("token");
    keys_ = keys(kSecret);
    EXPECT_FALSE(knows("token"));
    EXPECT_EQ(cache_.impl().size(), 0U);
    EXPECT_EQ(cache_.impl().bytes(), 0U);
}

// ---- through the authenticator
TEST(CachedTokens, AreAnsweredAsFreshOnes) {
    const auto settings = configured({{"jwt_cache_max_entries", "2"}});
    auth::TokenCache cache;
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 5; ++i) {
            const std::string n = std::to_string(i);
            const auto who = auth::authenticate(bearer(signed_token(R"({"role":"r)" + n + R"(","n":)" + n + "}")),
                                                *settings, cache, kNow);
            EXPECT_EQ(who.role, "r" + n);
            EXPECT_EQ(who.claims, R"({"n":)" + n + R"(,"role":"r)" + n + R"("})");
        }
    EXPECT_EQ(cache.impl().size(), 2U);
}

TEST(CachedTokens, FailuresAreNotCached) {
    const auto settings = configured();
    auth::TokenCache cache;
    const http::Headers early = bearer(signed_token(R"({"role":"clerk","nbf":)" + std::to_string(kNow + 100) + "}"));
    EXPECT_EQ(code_of([&] { auth::authenticate(early, *settings, cache, kNow); }), "PGRST303");
    EXPECT_EQ(cache.impl().size(), 0U);
    EXPECT_EQ(auth::authenticate(early, *settings, cache, kNow + 100).role, "clerk");
    EXPECT_EQ(code_of([&] { auth::authenticate(early, *settings, cache, kNow); }), "PGRST303");
}

std::shared_ptr<const config::Config> reconfigured(const config::Config& old, config::Settings settings) {
    settings.emplace("jwt_secret", kSecret);
    settings.emplace("db_anon_role", "anon");
    auto changed = std::make_shared<config::Config>(*config::build(settings, old.generation + 1).config);
    changed->keys = old.keys;  // so that the token is still known
    return changed;
}

TEST(CachedTokens, FollowTheConfiguration) {
    const auto before = configured();
    auth::TokenCache cache;
    const http::Headers headers = bearer(signed_token(R"({"role":"clerk","other":"guest","aud":"a"})"));
    EXPECT_EQ(auth::authenticate(headers, *before, cache, kNow).role, "clerk");
    const auto elsewhere = reconfigured(*before, {{"jwt_role_claim_key", "$.other"}});
    EXPECT_EQ(auth::authenticate(headers, *elsewhere, cache, kNow).role, "guest");
    EXPECT_EQ(cache.impl().size(), 1U);
    const auto strict = reconfigured(*elsewhere, {{"jwt_aud", "b"}});
    EXPECT_EQ(code_of([&] { auth::authenticate(headers, *strict, cache, kNow); }), "PGRST303");
}

}  // namespace
}  // namespace pgrest
