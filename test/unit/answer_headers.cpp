// Headers of answers: Content-Range, Preference-Applied, Location, negotiation.
#include <gtest/gtest.h>

#include "answer/content_range.h"
#include "answer/location.h"
#include "answer/negotiation.h"
#include "answer/preference_applied.h"
#include "api/parse.h"
#include "http/error.h"

namespace pgrest {
namespace {

TEST(ContentRange, NamesRowsAndTotal) {
    EXPECT_EQ(answer::content_range(0, 3, {}), "0-2/*");
    EXPECT_EQ(answer::content_range(5, 2, 7), "5-6/7");
    EXPECT_EQ(answer::content_range(0, 0, {}), "*/*");
    EXPECT_EQ(answer::content_range(7, 0, 7), "*/7");
    EXPECT_EQ(answer::content_range(0, 7, 2), "0-6/2");
}

TEST(ContentRange, DecidesTheStatus) {
    EXPECT_EQ(answer::status_of_range(2, {}), 200);
    EXPECT_EQ(answer::status_of_range(2, 2), 200);
    EXPECT_EQ(answer::status_of_range(2, 3), 206);
    EXPECT_TRUE(answer::beyond_total(4, 3));
    EXPECT_FALSE(answer::beyond_total(3, 3));
    EXPECT_FALSE(answer::beyond_total(3, {}));
}

TEST(PreferenceApplied, ListsWhatIsHonoured) {
    const api::Preferences preferences = api::parse_preferences(
        {{"Prefer", "return=minimal, count=exact, tx=rollback, handling=strict, timezone=UTC, max-affected=3"}});
    answer::Honoured honoured;
    EXPECT_EQ(answer::preference_applied(preferences, honoured, config::TxEnd::Commit),
              "count=exact, handling=strict, timezone=UTC");
    honoured.representation = honoured.max_affected = true;
    EXPECT_EQ(answer::preference_applied(preferences, honoured, config::TxEnd::CommitAllowOverride),
              "return=minimal, count=exact, tx=rollback, handling=strict, timezone=UTC, max-affected=3");
    EXPECT_FALSE(answer::preference_applied({}, honoured, config::TxEnd::Commit).has_value());
}

TEST(PreferenceApplied, DecidesTheEndOfTheTransaction) {
    api::Preferences rollback;
    rollback.tx = api::TxPreference::Rollback;
    EXPECT_FALSE(answer::ends_with_rollback(rollback, config::TxEnd::Commit));
    EXPECT_TRUE(answer::ends_with_rollback(rollback, config::TxEnd::CommitAllowOverride));
    EXPECT_TRUE(answer::ends_with_rollback({}, config::TxEnd::Rollback));
    api::Preferences commit;
    commit.tx = api::TxPreference::Commit;
    EXPECT_TRUE(answer::ends_with_rollback(commit, config::TxEnd::Rollback));
    EXPECT_FALSE(answer::ends_with_rollback(commit, config::TxEnd::RollbackAllowOverride));
}

TEST(Location, EncodesKeysAndValues) {
    EXPECT_EQ(answer::location("people", {"id"}, {"7"}), "/people?id=eq.7");
    EXPECT_EQ(answer::location("people", {"a b", "c"}, {"\"x y\"", std::nullopt}), "/people?a%20b=eq.x%20y&c=is.null");
}

answer::Representation negotiate(const std::string& accept, bool plans = false) {
    return answer::negotiate(api::parse_accept({{"Accept", accept}}), {plans});
}

TEST(Negotiation, TakesTheFirstThatCanBeProduced) {
    EXPECT_EQ(negotiate("image/png, text/csv").content_type, "text/csv; charset=utf-8");
    EXPECT_TRUE(negotiate("application/vnd.pgrst.object+json").singular);
    EXPECT_TRUE(negotiate("application/vnd.pgrst.array+json;nulls=stripped").strip_nulls);
    EXPECT_THROW(negotiate("image/png"), http::Failure);
    EXPECT_THROW(negotiate("application/vnd.pgrst.plan"), http::Failure);
}

TEST(Negotiation, NamesAPlanInFull) {
    EXPECT_EQ(negotiate("application/vnd.pgrst.plan+json; options=analyze|buffers", true).content_type,
              "application/vnd.pgrst.plan+json; for=\"application/json\"; options=analyze|buffers; charset=utf-8");
}

TEST(Negotiation, TakesTheFirstOfRepeatedPlanParameters) {
    EXPECT_EQ(negotiate("application/vnd.pgrst.plan; options=wal|analyze; options=analyze|verbose; for=\"text/csv\"; "
                        "for=\"application/json\"",
                        true)
                  .content_type,
              "application/vnd.pgrst.plan+text; for=\"text/csv\"; options=analyze|wal; charset=utf-8");
}

}  // namespace
}  // namespace pgrest
