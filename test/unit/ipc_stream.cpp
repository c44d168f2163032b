// An answer on its way from one process to another (ipc/stream.h, ipc/answer_writer.h), with the other process coming
// in between at every place where it can.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "ipc/answer_writer.h"
#include "ipc/chunks.h"
#include "ipc/jobs.h"
#include "ipc/processes.h"
#include "ipc_port.h"

namespace pgrest::ipc {
namespace {

struct Gone {};
struct NothingTaken {};
struct NoMemoryLeft {};
struct SleepsForEver {};

constexpr std::size_t five_megabytes = 5 * 1024 * 1024;

// Of which each answer here is the beginning.
const std::string& longest_text() {
    static const std::string text = [] {
        std::string made(3 * five_megabytes, '\0');
        for (std::size_t i = 0; i < made.size(); ++i)
            made[i] = static_cast<char>('a' + i * 7 / 3 % 23);
        return made;
    }();
    return text;
}

std::string_view text_of(std::size_t size) {
    return std::string_view(longest_text()).substr(0, size);
}

// One listener and one executor, in one thread: whenever the executor sleeps, the listener gets its turn.
class Pair : public Pauses {
public:
    explicit Pair(int chunks = 200) : memory({.jobs = 2, .executors = 1, .listeners = 1, .chunks = chunks}) {
        enter_listener(0, 1, &listener);
        enter_executor(0, 2, &executor);
        executor_is_connected(0);
        job = hold_job(0);
        reader.begin(job);
        submit_job(job);
        EXPECT_EQ(take_job(0), job);
        executor.reset();
    }

    // Everything that there is, as it must be.
    void drain(std::size_t most = SIZE_MAX) {
        if (draining) return;
        draining = true;
        char bytes[100'003];
        while (const std::size_t size = reader.read_some(bytes, std::min(most, sizeof bytes))) {
            most -= size;
            if (std::memcmp(bytes, longest_text().data() + taken, size) != 0) wrong = true;
            taken += size;
        }
        draining = false;
    }

    void sleep(long milliseconds) override {
        ++sleeps;
        if (before_sleep) before_sleep();
        longest_sleep = std::max(longest_sleep, milliseconds);
        const bool nobody_will_wake_it = !executor.is_set() && reader.available() == 0;
        if (nobody_will_wake_it && milliseconds > 100) throw SleepsForEver{};
        if (!executor.is_set() && while_asleep) while_asleep();
        executor.reset();
    }
    int most_seconds() override { return 120; }
    void client_has_gone() override { throw Gone{}; }
    void client_takes_nothing(int) override { throw NothingTaken{}; }
    void memory_is_lacking(int) override { throw NoMemoryLeft{}; }

    void finish() {
        finish_job(job, StreamEnd::Complete);
        drain();
        EXPECT_EQ(reader.end(), StreamEnd::Complete);
        release_job(job);
        EXPECT_FALSE(wrong);
        EXPECT_EQ(shared()->free_chunks, shared()->chunk_count);
        EXPECT_EQ(testing::free_jobs(), shared()->job_count);
    }

    testing::Memory memory;
    Latch listener, executor;
    StreamReader reader;
    int job = nothing;
    std::uint64_t taken = 0;
    bool wrong = false;
    bool draining = false;
    int sleeps = 0;
    long longest_sleep = 0;
    std::function<void()> before_sleep, while_asleep;
};

}  // namespace

TEST(Stream, WhatIsCompleteMayWaitWhole) {
    Pair pair;
    AnswerWriter writer(pair.job, pair);
    const std::string_view text = text_of(five_megabytes);
    writer.write(text.data(), text.size());
    EXPECT_EQ(pair.sleeps, 0);
    EXPECT_EQ(pair.reader.available(), text.size());
    pair.finish();
    EXPECT_EQ(pair.taken, text.size());
}

TEST(Stream, WhatIsBeingMadeIsOnlySoFarAheadOfTheClient) {
    Pair pair;
    pair.while_asleep = [&] {
        EXPECT_LE(pair.reader.available(), 4 * 1024 * 1024 + chunk_size);
        pair.drain(100'000);
    };
    AnswerWriter writer(pair.job, pair);
    writer.stream();
    const std::string_view text = text_of(3 * five_megabytes);
    for (std::size_t at = 0; at < text.size(); at += 50'000)
        writer.write(text.data() + at, std::min<std::size_t>(50'000, text.size() - at));
    EXPECT_GT(pair.sleeps, 50);
    pair.finish();
    EXPECT_EQ(pair.taken, text.size());
}

// The executor found no room, told the listener, and was held up on its way to sleep while the listener took all of it.
TEST(Stream, WhatTheReaderTakesBeforeTheWriterSleepsIsSeen) {
    Pair pair;
    AnswerWriter writer(pair.job, pair);
    writer.stream();
    const std::string_view text = text_of(five_megabytes);
    bool drains = false;
    testing::at_every_step = [&] {
        if (drains || !pair.listener.is_set() || pair.reader.available() < 4 * 1024 * 1024) return;
        drains = true;
        pair.drain();
    };
    writer.write(text.data(), text.size());
    EXPECT_TRUE(drains);
    EXPECT_EQ(pair.sleeps, 0);
    testing::at_every_step = nullptr;
    pair.finish();
}

// The same at every step, and with every amount.
TEST(Stream, NoPlaceForTheReaderToComeInBetweenLetsTheWriterSleepForEver) {
    const std::string_view text = text_of(five_megabytes);
    for (const std::size_t amount : {std::size_t{1}, chunk_size * 3, SIZE_MAX}) {
        bool reached = true;
        for (int wanted = 0; reached; ++wanted) {
            reached = false;
            Pair pair;
            AnswerWriter writer(pair.job, pair);
            writer.stream();
            int steps = 0;
            const auto come_in_between = [&] {
                if (pair.draining || steps++ != wanted) return;
                reached = true;
                pair.drain(amount);
            };
            testing::at_every_step = [&] {
                // within the lock this thread would wait for itself
                if (!holds(shared()->lock) && !holds(shared()->chunk_lock)) come_in_between();
            };
            pair.before_sleep = come_in_between;
            pair.while_asleep = [&] { pair.drain(); };
            ASSERT_NO_THROW(writer.write(text.data(), text.size())) << wanted;
            testing::at_every_step = nullptr;
            pair.finish();
        }
    }
}

TEST(Stream, WithoutMemoryItIsAskedForAgainSoon) {
    Pair pair(20);
    int others = nothing;
    for (int chunk = 0; chunk < 18; ++chunk) {
        const int taken = take_answer_chunk(0);
        shared()->chunks[taken].next = others;
        others = taken;
    }
    pair.while_asleep = [&] {
        if (pair.sleeps < 10) return;
        free_chunk_list(others);
        others = nothing;
    };
    AnswerWriter writer(pair.job, pair);
    const std::string_view text = text_of(10 * chunk_size);
    writer.write(text.data(), text.size());
    EXPECT_EQ(pair.sleeps, 10);
    EXPECT_LE(pair.longest_sleep, 50);
    pair.finish();
}

TEST(Stream, AStandstillIsCalledWhatItIs) {
    const std::string_view text = text_of(five_megabytes);
    const auto time_passes = [] { testing::clock_offset += 50'000'000; };
    {
        Pair pair;
        pair.while_asleep = time_passes;
        AnswerWriter writer(pair.job, pair);
        writer.stream();
        EXPECT_THROW(writer.write(text.data(), text.size()), NothingTaken);
        EXPECT_EQ(pair.sleeps, 3);
    }
    {
        Pair pair(20);
        pair.while_asleep = [&] {
            time_passes();
            pair.drain();
        };
        while (take_answer_chunk(0) != nothing) {
        }
        AnswerWriter writer(pair.job, pair);
        EXPECT_THROW(writer.write(text.data(), text.size()), NoMemoryLeft);
    }
}

TEST(Stream, AClientThatTakesLittleAtATimeIsNoStandstill) {
    Pair pair;
    pair.while_asleep = [&] {
        testing::clock_offset += 100'000'000;
        pair.drain(1000);
    };
    AnswerWriter writer(pair.job, pair);
    writer.stream();
    const std::string_view text = text_of(4 * 1024 * 1024 + 4 * chunk_size);
    writer.write(text.data(), text.size());
    EXPECT_GT(pair.sleeps, 10);
    pair.finish();
}

TEST(Stream, ReleasedIsSeenByTheWriter) {
    {
        Pair pair;
        AnswerWriter writer(pair.job, pair);
        release_job(pair.job);
        EXPECT_THROW(writer.write("x", 1), Gone);
        finish_job(pair.job, StreamEnd::Broken);
        EXPECT_EQ(testing::free_jobs(), 2);
    }
    Pair pair;
    pair.while_asleep = [&] { release_job(pair.job); };
    AnswerWriter writer(pair.job, pair);
    writer.stream();
    const std::string_view text = text_of(five_megabytes);
    EXPECT_THROW(writer.write(text.data(), text.size()), Gone);
    EXPECT_EQ(pair.sleeps, 1);
    finish_job(pair.job, StreamEnd::Broken);
    EXPECT_EQ(shared()->free_chunks, shared()->chunk_count);
}

}  // namespace pgrest::ipc
