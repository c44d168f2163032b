// Listeners and executors as threads, with random pauses, clients that leave, cancels, and processes that end in the
// middle. Made for ThreadSanitizer (make SANITIZE=thread), of use without it. Whoever waits is woken, every byte
// arrives, and in the end nothing is held.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ipc/answer_writer.h"
#include "ipc/chunks.h"
#include "ipc/jobs.h"
#include "ipc/processes.h"
#include "ipc/question.h"
#include "ipc_port.h"
#include "listener/upload.h"

namespace pgrest::ipc {
namespace {

constexpr int listeners = 2;
constexpr int executors = 3;
constexpr int requests_of_each = 150;
constexpr auto for_ever = std::chrono::seconds(60);  // nothing here takes nearly as long

struct GivenUp {};
struct LostWakeUp {};

const std::string& answer_bytes() {
    static const std::string bytes = [] {
        std::string made(6 * 1024 * 1024, '\0');
        for (std::size_t i = 0; i < made.size(); ++i)
            made[i] = static_cast<char>('a' + i * 7 / 3 % 23);
        return made;
    }();
    return bytes;
}

struct World {
    testing::Memory memory{{.jobs = 5, .executors = executors, .listeners = listeners, .chunks = 160}};
    Latch listener_latch[listeners], executor_latch[executors];
    std::atomic<bool> stop{};
    std::atomic<bool> cancelled[executors]{};
    std::atomic<int> failures{};
};

// ---------------------------------------------------------------- executor
class ExecutorThread : public Pauses {
public:
    ExecutorThread(World& world, int index)
        : world_(world), index_(index), random_(static_cast<unsigned>(index) + 77) {}

    void run() {
        enter();
        try {
            while (!world_.stop)
                work_once();
        } catch (const LostWakeUp&) {
            ++world_.failures;
        }
        leave_executor(index_, {});
    }

    void sleep(long milliseconds) override {
        const bool polls = milliseconds < 1000;
        const bool woken = latch().wait(polls ? std::chrono::milliseconds(milliseconds) : for_ever);
        if (!woken && !polls) throw LostWakeUp{};
        latch().reset();
        if (world_.cancelled[index_].exchange(false)) throw GivenUp{};
    }
    int most_seconds() override { return 1000; }
    void client_has_gone() override { throw GivenUp{}; }
    void client_takes_nothing(int) override { throw LostWakeUp{}; }
    void memory_is_lacking(int) override { throw LostWakeUp{}; }

private:
    Latch& latch() { return world_.executor_latch[index_]; }
    Executor& self() { return shared()->executors[index_]; }
    void enter() {
        if (!enter_executor(index_, index_ + 1, &latch())) ++world_.failures;
        executor_is_connected(index_);
    }
    void work_once() {
        if (const std::uint64_t question = claim_question()) {
            step_aside(index_);
            if (random_() % 3 == 0) return give_back_question(question);
            shared()->database_settings.delivered = question;
        }
        const int job = take_job(index_);
        if (job != nothing) return work_on(job);
        if (question_is_open() || world_.stop) return;
        if (!latch().wait(for_ever)) throw LostWakeUp{};
        latch().reset();
    }
    void work_on(int index) {
        Job& job = shared()->jobs[index];
        world_.cancelled[index_] = false;
        self().running = job.generation;
        StreamEnd end = StreamEnd::Broken;
        try {
            if (self().cancel_wanted != job.generation) answer(index, job);
            end = StreamEnd::Complete;
        } catch (const GivenUp&) {
        }
        self().running = 0;
        if (random_() % 20 == 0) {  // the process ends before it has said so
            leave_executor(index_, {});
            enter();
            return;
        }
        finish_job(index, end);
    }
    void answer(int index, Job& job) {
        std::string body(job.room, job.inline_used);
        for (int chunk = job.request_chunks; chunk != nothing; chunk = shared()->chunks[chunk].next)
            body.append(bytes_of_chunk(chunk), shared()->chunks[chunk].used);
        free_chunk_list(job.request_chunks);
        job.request_chunks = nothing;
        std::size_t size = 0;
        std::memcpy(&size, body.data(), sizeof size);
        if (body.size() != job.head_bytes + job.body_bytes) ++world_.failures;
        AnswerWriter writer(index, *this);
        writer.stream();
        for (std::size_t at = 0; at < size;) {
            const std::size_t part = std::min<std::size_t>(random_() % 200'000 + 1, size - at);
            writer.write(answer_bytes().data() + at, part);
            at += part;
        }
    }

    World& world_;
    int index_;
    std::minstd_rand random_;
};

// ---------------------------------------------------------------- listener
class ListenerThread {
public:
    ListenerThread(World& world, int index)
        : world_(world), index_(index), random_(static_cast<unsigned>(index) + 7), by_job_(shared()->job_count) {}

    void run() {
        enter_listener(index_, 100 + index_, &latch());
        std::vector<int> news(static_cast<std::size_t>(shared()->job_count));
        while (begun_ < requests_of_each || open_ > 0) {
            latch().reset();
            const int count = collect_news(index_, news.data());
            for (int i = 0; i < count; ++i)
                if (by_job_[static_cast<std::size_t>(news[i])].open)
                    by_job_[static_cast<std::size_t>(news[i])].told = true;
            const bool full = begin_some();
            const bool moved = move_all();
            if (moved || (!full && begun_ < requests_of_each)) continue;
            if (!latch().wait(for_ever)) {
                ++world_.failures;
                break;
            }
        }
        leave_listener(index_);
    }

private:
    struct Request {
        bool open = false;
        bool told = false;
        std::size_t size = 0, taken = 0;
        std::size_t leaves_at = SIZE_MAX;
        StreamReader reader;
    };

    Latch& latch() { return world_.listener_latch[index_]; }

    // True when the job table is full.
    bool begin_some() {
        while (begun_ < requests_of_each && open_ < 4) {
            const int job = hold_job(index_);
            if (job == nothing) return true;
            begin(job);
        }
        return begun_ < requests_of_each && open_ < 4;
    }
    void begin(int job) {
        ++begun_;
        Request& request = by_job_[static_cast<std::size_t>(job)];
        request = {};
        request.size = random_() % 4 == 0 ? random_() % answer_bytes().size() : random_() % 40'000;
        if (random_() % 4 == 0) request.leaves_at = random_() % (request.size + 1);
        std::string head(sizeof request.size, '\0');
        std::memcpy(head.data(), &request.size, sizeof request.size);
        listener::Upload upload(index_);
        const std::string part(random_() % 100'000, 'x');
        for (int i = 0; i < 3; ++i)
            (void)upload.append(part.data(), part.size());
        if (!upload.hand_over(job, head, /* beyond */ false)) return release_job(job);
        request.open = true;
        ++open_;
        request.reader.begin(job);
        submit_job(job);
        if (random_() % 10 == 0) leave(job, request);
        if (random_() % 20 == 0) {
            shared()->database_settings.wanted.fetch_add(1);
            wake_for_question();
        }
    }
    void leave(int job, Request& request) {
        if (!withdraw_job(job)) cancel_job(job);
        close(job, request);
    }
    void close(int job, Request& request) {
        release_job(job);
        request.open = false;
        --open_;
    }
    bool move_all() {
        bool moved = false;
        for (std::size_t job = 0; job < by_job_.size(); ++job) {
            Request& request = by_job_[job];
            if (request.open && request.told) moved = move(static_cast<int>(job), request) || moved;
        }
        return moved;
    }
    bool move(int job, Request& request) {
        char bytes[64 * 1024];
        const StreamEnd end = request.reader.end();
        const std::size_t size = request.reader.read_some(bytes, random_() % sizeof bytes + 1);
        if (std::memcmp(bytes, answer_bytes().data() + request.taken, size) != 0) ++world_.failures;
        request.taken += size;
        if (request.taken > request.leaves_at) {
            leave(job, request);
            return true;
        }
        if (size > 0) return true;
        request.told = false;
        if (end == StreamEnd::Open) return false;
        if (end == StreamEnd::Complete && request.taken != request.size) ++world_.failures;
        close(job, request);
        return true;
    }

    World& world_;
    int index_;
    int begun_ = 0;
    int open_ = 0;
    std::minstd_rand random_;
    std::vector<Request> by_job_;
};

}  // namespace

TEST(Threads, EveryoneIsWokenAndNothingIsLeft) {
    (void)answer_bytes();
    World world;
    testing::at_every_step = testing::pause_at_random;
    testing::on_cancel = [&](int pid) {  // what the handler of the signal does
        const int index = pid - 1;
        const Executor& executor = shared()->executors[index];
        const std::uint64_t wanted = executor.cancel_wanted;
        if (wanted != 0 && wanted == executor.running) world.cancelled[index] = true;
        set_latch(&world.executor_latch[index]);
    };
    std::vector<std::thread> working, asking;
    for (int i = 0; i < executors; ++i)
        working.emplace_back([&, i] { ExecutorThread(world, i).run(); });
    for (int i = 0; i < listeners; ++i)
        asking.emplace_back([&, i] { ListenerThread(world, i).run(); });
    for (std::thread& thread : asking)
        thread.join();
    world.stop = true;
    for (Latch& latch : world.executor_latch)
        latch.set();
    for (std::thread& thread : working)
        thread.join();
    EXPECT_EQ(world.failures, 0);
    EXPECT_EQ(testing::free_jobs(), shared()->job_count);
    EXPECT_EQ(shared()->free_chunks, shared()->chunk_count);
    EXPECT_EQ(shared()->upload_chunks, 0);
    EXPECT_EQ(shared()->connected, 0);
}

}  // namespace pgrest::ipc
