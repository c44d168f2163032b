// Whose upload ends when memory for bodies has run out.
#include <gtest/gtest.h>

#include "listener/giving_way.h"

namespace pgrest {
namespace {

using listener::Holder;
using listener::Pace;
using listener::who_gives_way;

constexpr std::uint64_t mb = 1024 * 1024;

TEST(GivingWay, IsForNobodyWhoHoldsNothing) {
    EXPECT_FALSE(who_gives_way({}));
    EXPECT_FALSE(who_gives_way({{1, 0, 0}, {{}, 0, 5}}));
    EXPECT_EQ(who_gives_way({{1, 0, 0}, {2, 1, 1}}), 1u);
}

TEST(GivingWay, IsForTheSlowestOfAnAddressThatHoldsMoreThanItsShare) {
    // two that trickle, one that uploads
    EXPECT_EQ(who_gives_way({{1, 47 * mb, 1000}, {1, 46 * mb, 900}, {2, 3 * mb, mb}}), 1u);
    // a quick one that holds a little more than its share
    EXPECT_EQ(who_gives_way({{1, 59 * mb, 1000}, {2, 66 * mb, 50 * mb}}), 0u);
    // one address has many that are quick, others are slow and small
    EXPECT_EQ(who_gives_way({{1, 20 * mb, 90 * mb}, {1, 20 * mb, 50 * mb}, {2, mb, 30000}, {3, mb, 1}}), 1u);
    // all from one address, as behind a proxy
    EXPECT_EQ(who_gives_way({{1, 5 * mb, mb}, {1, 45 * mb, 100000}, {1, mb / 10, 50000}}), 1u);
}

TEST(GivingWay, CountsWhatIsCompleteAndDoesNotEndIt) {
    EXPECT_EQ(who_gives_way({{1, 8 * mb, 1, true}, {1, mb / 2, 90 * mb}, {2, mb, 1}}), 1u);
    EXPECT_FALSE(who_gives_way({{1, 8 * mb, 1, true}, {2, mb, 1}}));
    EXPECT_EQ(who_gives_way({{2, 2 * mb, 1}, {1, 1 * mb, 1, true}}), 0u);
}

TEST(GivingWay, CountsClientsWithoutAnAddressOneByOne) {
    EXPECT_EQ(who_gives_way({{{}, 10 * mb, mb}, {{}, 40 * mb, mb}, {{}, 1 * mb, 1}}), 1u);
    EXPECT_EQ(who_gives_way({{{}, 20 * mb, mb}, {{}, 20 * mb, 2 * mb}, {{}, 1 * mb, 1}}), 0u);
    EXPECT_EQ(who_gives_way({{{}, 10 * mb, mb}, {{}, 10 * mb, 1}, {0, 10 * mb, mb}}), 1u);
}

TEST(Pace, IsThatOfTheLastSeconds) {
    Pace pace;
    pace.begin(5000);
    EXPECT_EQ(pace.bytes_per_second(0, 5000), 0u);
    EXPECT_EQ(pace.bytes_per_second(1000, 5010), 10000u);  // as if it were a tenth of a second
    EXPECT_EQ(pace.bytes_per_second(1000, 5400), 2500u);
    pace.note(1000, 5400);
    pace.note(4000, 6000);
    EXPECT_EQ(pace.bytes_per_second(4100, 6100), 4000u);
    EXPECT_EQ(pace.bytes_per_second(4100, 16000), 10u);  // it has stopped
    pace.note(14000, 16000);
    EXPECT_EQ(pace.bytes_per_second(14000, 16001), 1000u);
}

}  // namespace
}  // namespace pgrest
