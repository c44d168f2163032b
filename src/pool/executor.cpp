// An executor: an ordinary backend without a client, that takes requests from the job table.
#include <sys/resource.h>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>

#include "exec/handle.h"
#include "exec/transaction.h"
#include "http/error.h"
#include "http/wire.h"
#include "ipc/chunks.h"
#include "ipc/jobs.h"
#include "ipc/question.h"
#include "pg/guard.h"
#include "pg/memory_bound.h"
#include "pg/text.h"
#include "pool/authenticator_check.h"
#include "pool/database_settings.h"
#include "pool/failure_log.h"
#include "pool/heap.h"
#include "pool/job_sink.h"
#include "pool/process.h"
#include "pool/refused_settings.h"
#include "pool/schema_check.h"
#include "pool/snapshot.h"
#include "pool/state.h"
#include "settings/settings.h"
#include "version.h"

extern "C" {
#include <access/xact.h>
#include <libpq/pqsignal.h>
#include <mb/pg_wchar.h>
#include <pgstat.h>
#include <postmaster/interrupt.h>
#include <storage/ipc.h>
#include <storage/latch.h>
#include <storage/proc.h>
#include <tcop/tcopprot.h>
#include <utils/guc.h>
#include <utils/ps_status.h>
#include <utils/timeout.h>
#include <utils/timestamp.h>

PGDLLEXPORT void pgrest_executor_main(Datum argument);
}

namespace pgrest::pool {

using namespace ipc;

namespace {

// How often the memory of this process is looked at: after so many requests, or when so many pages of it were new.
constexpr int requests_between_weighings = 200;
constexpr long faults_between_weighings = 4096;

struct Self {
    int index = nothing;
    MemoryContext request_context = nullptr;
    emit_log_hook_type previous_log_hook = nullptr;
    int requests_since_weighing = 0;
    long faults_of_last_weighing = 0;
    int bound_kb = 0;  // the pgrest.request_memory that is in force
    bool connected = false;
    bool stats_pending = false;
} self;

Executor& executor() {
    return shared()->executors[self.index];
}

// ---------------------------------------------------------------- signals
// SIGUSR2: a listener wants a job cancelled. It counts only while that very job runs.
void handle_cancel(SIGNAL_ARGS) {
    (void)postgres_signal_arg;
    const int saved = errno;
    const std::uint64_t wanted = executor().cancel_wanted.load();
    if (wanted != 0 && wanted == executor().running.load()) {
        InterruptPending = true;
        QueryCancelPending = true;
    }
    SetLatch(MyLatch);
    errno = saved;
}

// The launcher, which has no database, repeats them.
void remember(const ErrorData* error) noexcept {
    try {
        const auto shown = [](const char* text) { return http::cut(pg::shown_from_server(text ? text : "")); };
        remember_last_words(error->sqlerrcode, shown(error->message).c_str(), shown(error->detail).c_str(),
                            shown(error->hint).c_str());
    } catch (const std::exception&) {
        remember_last_words(error->sqlerrcode, "out of memory", "", "");
    }
}

// Any error ends a process that is not connected yet.
void note_last_words(ErrorData* error) {
    if (error->elevel >= (self.connected ? FATAL : ERROR)) remember(error);
    if (self.previous_log_hook) self.previous_log_hook(error);
}

void set_signals() {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGINT, StatementCancelHandler);
    pqsignal(SIGTERM, die);
    pqsignal(SIGUSR2, handle_cancel);
}

// ---------------------------------------------------------------- start
// Errors here are FATAL: there is nothing to go on with.
void connect(const char* database, const char* role) {
    BackgroundWorkerInitializeConnection(database, role, 0);
    StartTransactionCommand();
    if (superuser_arg(GetSessionUserId()))
        ereport(FATAL, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("pgrest.authenticator \"%s\" is a superuser, which it must not be", role)));
    if (GetDatabaseEncoding() == PG_SQL_ASCII)
        ereport(FATAL, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("database \"%s\" has the encoding SQL_ASCII, which pgrest cannot serve", database)));
    pg::prepare_conversion();
    CommitTransactionCommand();
    // what ALTER ROLE says goes over it
    SetConfigOption("application_name", "pgrest " PGREST_VERSION, PGC_USERSET, PGC_S_DYNAMIC_DEFAULT);
    // Compiling costs more than requests take. What ALTER ROLE and ALTER DATABASE say goes over this, the configuration
    // file does not: there it is on by default.
    SetConfigOption("jit", "off", PGC_USERSET, PGC_S_ARGV);
    process_session_preload_libraries();
}

void start(int index) {
    self.index = index;
    set_signals();
    self.previous_log_hook = emit_log_hook;
    emit_log_hook = note_last_words;
    if (!enter_executor(index)) proc_exit(0);
    BackgroundWorkerUnblockSignals();
    char* database = pstrdup(settings::database().c_str());
    char* role = pstrdup(settings::authenticator().c_str());
    watch_authenticator(role);
    connect(database, role);
    self.connected = true;
    self.request_context = AllocSetContextCreate(TopMemoryContext, "pgrest request", ALLOCSET_DEFAULT_SIZES);
    settle_heap();
    pg::start_memory_watch();
    executor_is_connected(index);
}

// ---------------------------------------------------------------- a request
struct Message {
    http::Request request;
    auth::Identity identity;
    bool body_is_too_large = false;
};

// A body is held beside the values that are made of it.
bool is_too_large(const Job& job) {
    return self.bound_kb >= 0 && job.body_bytes > static_cast<std::size_t>(self.bound_kb) * 1024 / 2;
}

void copy_out(const Job& job, std::string& head, std::string& body) {
    const bool with_body = !is_too_large(job);
    head.reserve(job.head_bytes);
    if (with_body) body.reserve(job.body_bytes);
    const auto append = [&](const char* data, std::size_t size) {
        const std::size_t of_head = std::min<std::size_t>(size, job.head_bytes - head.size());
        head.append(data, of_head);
        if (with_body) body.append(data + of_head, size - of_head);
    };
    append(job.room, job.inline_used);
    for (int chunk = job.request_chunks; chunk != nothing; chunk = shared()->chunks[chunk].next)
        append(bytes_of_chunk(chunk), shared()->chunks[chunk].used);
}

void free_request(Job& job) {
    free_chunk_list(job.request_chunks);
    job.request_chunks = nothing;
}

// The job keeps it too until it has begun: it may have to go to another executor.
Message receive(const Job& job) {
    std::string head;
    Message message;
    std::string body;
    copy_out(job, head, body);
    http::wire::DecodedRequest decoded = http::wire::decode_request(head);
    message.request = std::move(decoded.request);
    message.request.body = std::move(body);
    message.body_is_too_large = is_too_large(job);
    message.identity = std::move(decoded.identity);
    return message;
}

// Nobody gets the answer, so its errors concern nobody: most are cancels.
bool is_forsaken() {
    const Job& job = shared()->jobs[executor().job];
    return job.abandoned || executor().cancel_wanted == job.generation;
}

void note_error(const http::Request& request, const http::Error& error) {
    if (!is_forsaken()) log_failure(request, error);
}

void send_failure(const http::Request& request, const config::Config* config, http::ResponseSink& sink,
                  const http::Error& error) {
    note_error(request, error);
    const bool minimal = config && config->verbosity == config::Verbosity::Minimal;
    const http::Response response = http::to_response(error, minimal);
    sink.start(response.status, response.reason, response.headers, response.body.size());
    if (request.method == "HEAD") return;
    pg::guarded([&] { sink.write(response.body.data(), response.body.size()); });
}

// What only a fresh session may be able to set. One that is refused there as well is said once, as when a client's
// session starts, and is nothing to start further executors for.
void note_refused_setting(const std::string& name, const std::string& value) {
    if (is_known_as_refused(name, value)) return;
    if (executor().requests > 0) throw exec::NeedsFreshSession();
    remember_as_refused(name, value);
    const std::string shown_name = pg::shown_to_server(name);
    const std::string shown_value = pg::shown_to_server(value);
    const char* setting = shown_name.c_str();
    const char* text = shown_value.c_str();
    pg::guarded([=] {
        ereport(LOG, (errmsg("pgrest: \"%s\" cannot be set to \"%s\", as a role or a function wants it; requests go "
                             "without it",
                             setting, text),
                      errhidestmt(true), errhidecontext(true)));
    });
}

void answer(Message message, Job& job, JobSink& sink) {
    const std::shared_ptr<const config::Config> config = current_config();
    try {
        if (!config) http::fail("PGRST002", "The server has no configuration yet");
        if (message.body_is_too_large) http::fail("PGRST413", "The body of the request is too large");
        exec::HandleOptions options;
        options.check_catalogs = [&] {
            require_authenticator();
            require_schemas(*config);
        };
        options.refused_setting = note_refused_setting;
        options.begun = [&] { free_request(job); };
        options.forget_body = [&] { message.request.body = {}; };
        options.on_error = [&](const http::Error& error) { note_error(message.request, error); };
        exec::handle(message.request, message.identity, *config, sink, options);
    } catch (const http::Failure& failure) {
        if (sink.started()) throw;
        send_failure(message.request, config.get(), sink, failure.error());
    } catch (const pg::Error& error) {
        if (sink.started()) throw;
        send_failure(message.request, config.get(), sink,
                     http::from_database(error.error(), message.identity.authenticated));
    } catch (const std::bad_alloc&) {
        if (sink.started()) throw;
        send_failure(message.request, config.get(), sink,
                     http::from_database({"53200", "out of memory", {}, {}}, message.identity.authenticated));
    }
}

// The listener tells it to the client and the log, unless something has been sent already.
void break_off(Job& job, const http::DatabaseError& error, bool started) {
    std::strncpy(job.failure_sqlstate, error.sqlstate.c_str(), sizeof job.failure_sqlstate - 1);
    const auto copy = [](auto& to, const std::string& text) {
        const std::string shown = http::cut(text, sizeof to - 1);
        std::memcpy(to, shown.c_str(), shown.size() + 1);
    };
    copy(job.failure_message, error.message);
    copy(job.failure_detail, error.detail.value_or(""));
    copy(job.failure_hint, error.hint.value_or(""));
    if (!started || is_forsaken()) return;
    const int sqlstate = sqlstate_of(error.sqlstate);
    const char* line = job.request_line;
    const std::string shown = pg::shown_to_server(job.failure_message);
    const char* message = shown.c_str();
    pg::guarded([=] {
        ereport(LOG, (errcode(sqlstate), errmsg("pgrest: the answer to %s was broken off: %s", line, message),
                      errhidestmt(true), errhidecontext(true)));
    });
}

// Answers, and says how the answer ended. Open: there is none, the job is for a fresh executor.
StreamEnd answer_job(int index, Job& job) {
    JobSink sink(index);
    try {
        answer(receive(job), job, sink);
        return StreamEnd::Complete;
    } catch (const exec::NeedsFreshSession&) {
        return StreamEnd::Open;
    } catch (const pg::Error& error) {
        break_off(job, error.error(), sink.started());
    } catch (const std::exception& exception) {
        break_off(job, {"XX000", exception.what(), {}, {}}, sink.started());
    }
    return StreamEnd::Broken;
}

StreamEnd work_on(int index, Job& job) noexcept {
    try {
        return answer_job(index, job);
    } catch (...) {
        return StreamEnd::Broken;  // out of memory while it was said
    }
}

// ---------------------------------------------------------------- around it
void set_memory_bound() {
    self.bound_kb = settings::Process::request_memory_kb();
    std::optional<std::size_t> most;
    if (self.bound_kb >= 0) most = static_cast<std::size_t>(self.bound_kb) * 1024;
    pg::bound_memory(most);
}

// Cancel requests count only between these two.
void open_to_cancel(const Job& job) {
    QueryCancelPending = false;
    QueryCancelHoldoffCount = 0;
    executor().running = job.generation;
    if (self.bound_kb != settings::Process::request_memory_kb()) set_memory_bound();
    pg::watch_memory();
}

void close_to_cancel() {
    executor().running = 0;
    pg::unwatch_memory();
    QueryCancelHoldoffCount = 1;
    disable_all_timeouts(/* keep_indicators */ false);
    QueryCancelPending = false;
}

// Pages that were touched for the first time. Costs one system call of the cheapest kind.
long page_faults() {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_minflt : 0;
}

bool weighing_is_due() {
    return ++self.requests_since_weighing >= requests_between_weighings || pg::memory_bound_was_met() ||
           page_faults() - self.faults_of_last_weighing > faults_between_weighings;
}

std::size_t held_memory() {
    if (const auto own = pg::own_memory()) return own->resident;
    return MemoryContextMemAllocated(TopMemoryContext, /* recurse */ true);
}

// Gives back what is free after a request that took much, and bounds the next ones by what is held then.
void weigh() {
    if (!weighing_is_due()) return;
    give_back_free_memory();
    self.requests_since_weighing = 0;
    set_memory_bound();
    const bool too_large = held_memory() > static_cast<std::size_t>(settings::Process::executor_memory_kb()) * 1024;
    self.faults_of_last_weighing = page_faults();
    if (!too_large && !pg::heap_is_torn()) return;
    executor().wants_retirement = true;
    wake_launcher();
}

// PostgreSQL limits how often this has an effect; what is held back is due when the executor has been idle for a while.
void report_statistics(bool force) {
#if PG_VERSION_NUM >= 150000
    self.stats_pending = pgstat_report_stat(force) > 0;
#else
    pgstat_report_stat(force);
    self.stats_pending = !force;
#endif
}

void tidy_up() {
    exec::clean_up_session();
    report_statistics(/* force */ false);
    MemoryContextSwitchTo(TopMemoryContext);
    MemoryContextReset(self.request_context);
    debug_query_string = nullptr;
    weigh();
}

// In pg_stat_activity method and path, in the list of processes, which every user of the machine sees, the method.
void show_request(const char* line) {
    SetCurrentStatementStartTimestamp();
    pgstat_report_activity(STATE_RUNNING, line);
    char method[16] = {};
    std::memcpy(method, line, std::min(std::strcspn(line, " "), sizeof method - 1));
    set_ps_display(method);
}

void show_idleness() {
    pgstat_report_activity(STATE_IDLE, nullptr);
    set_ps_display("idle");
}

void run(int index) {
    Job& job = shared()->jobs[index];
    open_to_cancel(job);
    StreamEnd end = StreamEnd::Broken;
    // a cancel may have come before the signal handler could know what runs
    if (!job.abandoned && executor().cancel_wanted != job.generation) {
        show_request(job.request_line);
        MemoryContextSwitchTo(self.request_context);
        end = work_on(index, job);
    }
    close_to_cancel();
    if (end == StreamEnd::Open) {
        give_back_job(index);
        proc_exit(0);
    }
    finish_job(index, end);
    tidy_up();
    if (has_lost_authenticator()) proc_exit(0);
}

// What came while nothing ran. May raise.
void handle_idle_interrupts() {
    QueryCancelHoldoffCount = 1;
    handle_interrupts();
}

void sleep_until_work() {
    show_idleness();
    const int timeout = self.stats_pending ? WL_TIMEOUT : 0;
    const int events =
        WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | timeout, 1000, wait_event(Wait::ForWork));
    ResetLatch(MyLatch);
    if (!(events & WL_TIMEOUT)) return;
    report_statistics(/* force */ true);
}

void work_once() {
    handle_idle_interrupts();
    if (answer_launcher_if_asked(self.index)) {
        close_to_cancel();
        exec::clean_up_session();
    }
    if (must_retire(self.index)) proc_exit(0);
    const int job = take_job(self.index);
    if (job != nothing) return run(job);
    // who asked or dismissed before this one counted as idle may have woken nobody
    if (question_is_open() || must_retire(self.index)) return;
    sleep_until_work();
}

// An error outside a request: what a backend does at the top of its loop.
void recover(const pg::Error& error) {
    const std::string shown = pg::shown_to_server(error.what());
    const char* message = shown.c_str();
    pg::guarded([=] {
        HOLD_INTERRUPTS();
        AbortOutOfAnyTransaction();
        LWLockReleaseAll();
        MemoryContextSwitchTo(TopMemoryContext);
        ereport(LOG, (errmsg("pgrest executor: %s", message)));
        RESUME_INTERRUPTS();
    });
    if (executor().job != nothing) finish_job(executor().job, StreamEnd::Broken);
}

void serve() {
    for (;;) {
        try {
            pg::guarded([] {
                for (;;)
                    work_once();
            });
        } catch (const pg::Error& error) {
            recover(error);
        }
    }
}

}  // namespace

}  // namespace pgrest::pool

extern "C" void pgrest_executor_main(Datum argument) {
    using namespace pgrest;
    pg::translate_exceptions([=] {
        pool::start(DatumGetInt32(argument));
        pool::serve();
    });
}
