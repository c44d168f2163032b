// The launcher: publishes the configuration, starts the executors and replaces them when they are old, large, or
// started before a reload. It connects to no database and serves no request.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "auth/key_set.h"
#include "pg/guard.h"
#include "pool/authenticator_check.h"
#include "pool/database_settings.h"
#include "pool/process.h"
#include "pool/refused_settings.h"
#include "pool/snapshot.h"
#include "pool/state.h"
#include "settings/secret_file.h"
#include "settings/settings.h"

extern "C" {
#include <access/heapam.h>
#include <access/htup_details.h>
#include <access/table.h>
#include <access/tableam.h>
#include <access/xact.h>
#include <catalog/pg_authid.h>
#include <catalog/pg_database.h>
#include <pgstat.h>
#include <postmaster/interrupt.h>
#include <storage/ipc.h>
#include <storage/latch.h>
#include <utils/rel.h>
#include <utils/snapmgr.h>
#include <utils/timestamp.h>

PGDLLEXPORT void pgrest_launcher_main(Datum argument);
}

namespace pgrest::pool {

using namespace ipc;

namespace {

constexpr int longest_delay = 32;  // seconds between attempts to start executors
constexpr int poll_interval = 1000;
constexpr int patience_with_database = 30000;
constexpr int file_interval = 250;  // between two looks at a file of the secret that changes

struct Registration {
    BackgroundWorkerHandle* handle = nullptr;
    TimestampTz at = 0;
};

struct Self {
    std::vector<Registration> registrations;
    config::Settings settings;  // the server parameters
    config::Settings wanted;    // with what the database adds: in force, unless they were refused
    bool has_wanted = false;
    bool has_keys = false;     // in force are JSON Web Keys, no text
    settings::FileStamp read;  // the file of the secret as it was when it was read
    settings::FileStamp seen;  // as it was at the last look
    TimestampTz looked = 0;
    bool may_connect = false;      // they could be read, so executors are of use
    bool awaits_database = false;  // for the settings that are kept there
    TimestampTz asked = 0;
    std::uint64_t epoch = 1;  // counts reloads
    int delay = 0;            // seconds; grows while executors end before they are connected
    TimestampTz not_before = 0;
    std::string said;  // the last complaint, so that it is made once
} self;

void log_line(const std::string& text) {
    const char* line = text.c_str();
    pg::guarded([=] { ereport(LOG, (errmsg("%s", line))); });
}

// ---------------------------------------------------------------- configuration
void log_problems(const char* outcome, const std::vector<config::Problem>& problems) {
    for (const config::Problem& problem : problems)
        log_line(std::string(outcome) + problem.setting + ": " + problem.reason);
}

using Problems = std::vector<config::Problem>;

// The file as it is before it is read, so that what changes meanwhile is read again.
void remember_secret_file(const config::Settings& settings) {
    const auto file = settings::secret_file(settings);
    self.read = self.seen = file ? settings::look_at(*file) : settings::FileStamp{};
}

config::Built build(config::Settings& settings) {
    remember_secret_file(settings);
    if (auto problem = settings::read_secret_file(settings)) return {{}, {std::move(*problem)}, {}};
    return config::build(settings, 0);
}

enum class Occasion { Reload, ChangedFile };

// Puts them into force, or returns the reasons why not.
Problems put_into_force(config::Settings settings, Occasion occasion) {
    self.wanted = settings;
    self.has_wanted = true;
    const config::Built built = build(settings);
    log_problems("pgrest: ", built.warnings);
    if (!built.config) return built.problems;
    // the page that somebody fetched in place of a key set must not become a secret that everybody can read
    const bool is_text = built.config->keys && built.config->keys->is_text();
    if (is_text && self.has_keys && occasion == Occasion::ChangedFile)
        return {{"pgrest.jwt_secret", "its file held keys and now holds a text, which takes a reload"}};
    if (!publish(settings)) return {{"pgrest", "the settings are too long"}};
    self.has_keys = built.config->keys && !is_text;
    return {};
}

// What becomes of a start or a reload.
void conclude(const Problems& problems) {
    const bool has_one = shared()->snapshot.generation > 0;
    const bool refused = !problems.empty() && !has_one;
    log_problems(refused ? "pgrest answers 503 to every request: " : "pgrest keeps its configuration: ", problems);
    shared()->readiness = refused ? Readiness::Refused : Readiness::Serving;
    wake_listeners();
}

// Now, or when the database has answered.
void load_configuration() {
    self.awaits_database = false;
    self.has_wanted = false;
    // the values of the start are in force until a restart
    if (!settings::refused_at_start().empty()) return conclude(settings::refused_at_start());
    self.settings = settings::collect();
    config::Settings alone = self.settings;
    const config::Built built = build(alone);
    if (!built.config) return conclude(built.problems);
    self.may_connect = true;
    if (!built.config->db_config) return conclude(put_into_force(self.settings, Occasion::Reload));
    ask_for_database_settings(self.settings["db_pre_config"]);
    self.awaits_database = true;
    self.asked = GetCurrentTimestamp();
}

// Settings in the database go over the server parameters.
void hear_database() {
    if (!self.awaits_database) return;
    const std::optional<DatabaseAnswer> answer = database_answer();
    if (!answer) {
        // an executor that ended in the middle of it has not answered
        if (TimestampDifferenceExceeds(self.asked, GetCurrentTimestamp(), patience_with_database)) load_configuration();
        return;
    }
    self.awaits_database = false;
    if (answer->problem) return conclude({{"pgrest.db_config", *answer->problem}});
    config::Settings settings = self.settings;
    for (const auto& [name, value] : answer->settings)
        settings[name] = value;
    conclude(put_into_force(settings, Occasion::Reload));
}

// A file that is being written differs from one look to the next, so it is read when two looks agree.
bool has_new_secret_file() {
    const auto file = settings::secret_file(self.has_wanted ? self.wanted : self.settings);
    if (!file || self.awaits_database) return false;
    if (!TimestampDifferenceExceeds(self.looked, GetCurrentTimestamp(), file_interval - 1)) return false;
    self.looked = GetCurrentTimestamp();
    const settings::FileStamp stamp = settings::look_at(*file);
    const bool at_rest = stamp == self.seen;
    self.seen = stamp;
    return at_rest && stamp != self.read;
}

// Executors hold no keys, so none is replaced.
void watch_secret_file() {
    if (!has_new_secret_file()) return;
    log_line("pgrest reads pgrest.jwt_secret again, because its file has changed");
    if (!self.has_wanted) return load_configuration();
    conclude(put_into_force(self.wanted, Occasion::ChangedFile));
}

void reload_configuration() {
    ++self.epoch;
    self.delay = 0;
    self.not_before = 0;
    self.said.clear();
    forget_refused_settings();
    load_configuration();
}

// Without a database there is no configuration, but clients are to hear the reason.
void open_to_clients_in_trouble() {
    if (shared()->readiness != Readiness::Unknown) return;
    const Availability found = availability();
    if (found.connected || found.trouble.empty()) return;
    shared()->readiness = Readiness::Serving;
    wake_listeners();
}

// ---------------------------------------------------------------- what keeps executors from starting
struct Obstacle {
    bool no_database = true;
    bool closed_database = false;
    Fitness role = Fitness::Missing;
};

// Without a database only sequential scans of shared catalogs are sure to work: indexes need the relation cache's file,
// which a new cluster does not have yet.
template <typename Form, typename Look>
void scan_catalog(Oid catalog, Look look) {
    Relation relation = table_open(catalog, AccessShareLock);
    TableScanDesc scan = table_beginscan_catalog(relation, 0, nullptr);
    while (HeapTuple tuple = heap_getnext(scan, ForwardScanDirection))
        look(reinterpret_cast<const Form*>(GETSTRUCT(tuple)));
    table_endscan(scan);
    table_close(relation, AccessShareLock);
}

Obstacle look_for_obstacles(const char* database, const char* role) {
    Obstacle found;
    StartTransactionCommand();
    (void)GetTransactionSnapshot();
    scan_catalog<FormData_pg_database>(DatabaseRelationId, [&](const FormData_pg_database* row) {
        if (std::strcmp(NameStr(row->datname), database) != 0) return;
        found.no_database = false;
        found.closed_database = !row->datallowconn;
    });
    scan_catalog<FormData_pg_authid>(AuthIdRelationId, [&](const FormData_pg_authid* row) {
        if (std::strcmp(NameStr(row->rolname), role) != 0) return;
        found.role = row->rolsuper ? Fitness::Superuser : row->rolcanlogin ? Fitness::Fit : Fitness::NoLogin;
    });
    CommitTransactionCommand();
    return found;
}

// "" = none.
std::string obstacle() {
    const std::string database = settings::database();
    const std::string role = settings::authenticator();
    const Obstacle found = pg::guarded([&] { return look_for_obstacles(database.c_str(), role.c_str()); });
    if (found.no_database) return "database \"" + database + "\" does not exist";
    if (found.closed_database) return "database \"" + database + "\" does not allow connections";
    return reason_of(found.role, role);
}

void complain(const std::string& reason) {
    set_trouble(reason.c_str());
    if (self.said == reason) return;
    self.said = reason;
    const bool serves = shared()->connected > 0;
    log_line("pgrest cannot connect its executors: " + reason + (serves ? "" : "; requests are answered with 503"));
}

// ---------------------------------------------------------------- starting
Executor& executor(int index) {
    return shared()->executors[index];
}

struct Census {
    int empty = 0;
    int starting = 0;
    int connected = 0;
};

Census count_executors() {
    Census census;
    const Locked locked(shared()->lock, Access::Shared);
    for (int i = 0; i < shared()->executor_count; ++i) {
        switch (executor(i).state) {
            case ExecutorState::Empty:
                ++census.empty;
                break;
            case ExecutorState::Starting:
                ++census.starting;
                break;
            default:
                ++census.connected;
        }
    }
    return census;
}

bool start_executor(int index) {
    Registration& registration = self.registrations[index];
    BackgroundWorkerHandle* handle = pg::guarded([=] {
        BackgroundWorker worker = describe_worker(executor_type, "pgrest_executor_main", index, BGW_NEVER_RESTART);
        worker.bgw_notify_pid = MyProcPid;
        BackgroundWorkerHandle* made = nullptr;
        MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
        if (!RegisterDynamicBackgroundWorker(&worker, &made)) made = nullptr;
        MemoryContextSwitchTo(before);
        return made;
    });
    if (!handle) return false;
    registration = {handle, GetCurrentTimestamp()};
    const Locked locked(shared()->lock);
    executor(index).epoch = self.epoch;
    return true;
}

// Registered, and the postmaster has not said that it ended.
bool is_on_its_way(int index) {
    Registration& registration = self.registrations[index];
    if (!registration.handle) return false;
    BackgroundWorkerHandle* handle = registration.handle;
    const BgwHandleStatus status = pg::guarded([=] {
        pid_t pid = 0;
        return GetBackgroundWorkerPid(handle, &pid);
    });
    if (status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED) return true;
    pfree(registration.handle);
    registration = {};
    return false;
}

bool is_empty(int index) {
    const Locked locked(shared()->lock, Access::Shared);
    return executor(index).state == ExecutorState::Empty;
}

bool is_connected(int index) {
    const Locked locked(shared()->lock, Access::Shared);
    return executor(index).state == ExecutorState::Idle || executor(index).state == ExecutorState::Running;
}

bool has_failed(int index) {
    const Locked locked(shared()->lock, Access::Shared);
    return executor(index).failed;
}

void put_off() {
    self.delay = std::clamp(self.delay * 2, 1, longest_delay);
    self.not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), self.delay * 1000);
}

int count_starting() {
    int count = 0;
    for (int i = 0; i < shared()->executor_count; ++i) {
        if (self.registrations[i].handle && !is_connected(i)) ++count;
    }
    return count;
}

// Slots without a process; those whose process ended before it was connected put the next attempt off.
std::vector<int> vacancies() {
    std::vector<int> found;
    for (int i = 0; i < shared()->executor_count; ++i) {
        const bool had_one = self.registrations[i].handle != nullptr;
        if (is_on_its_way(i) || !is_empty(i)) continue;
        found.push_back(i);
        if (had_one && has_failed(i)) put_off();
    }
    return found;
}

void start_missing() {
    const std::vector<int> empty = vacancies();
    if (empty.empty() || GetCurrentTimestamp() < self.not_before) return;
    const std::string reason = obstacle();
    if (!reason.empty()) {
        complain(reason);
        return;
    }
    // one tries first, so that a failure is logged once
    const bool alone = count_executors().connected == 0;
    for (const int index : empty) {
        if (alone && count_starting() > 0) break;
        if (start_executor(index)) continue;
        complain("no free background worker; raise max_worker_processes");
        put_off();
        return;
    }
    self.said.clear();
}

// ---------------------------------------------------------------- replacing
bool is_due(const Executor& candidate, TimestampTz now) {
    const long long lifetime = settings::Process::max_lifetime() * 1000LL * 1000LL;
    return candidate.wants_retirement || candidate.epoch != self.epoch || now - candidate.started > lifetime;
}

// They go one at a time, by themselves (must_retire); those who sleep are woken for it.
void replace_old() {
    const TimestampTz now = GetCurrentTimestamp();
    for (int i = 0; i < shared()->executor_count; ++i) {
        Latch* latch = nullptr;
        {
            const Locked locked(shared()->lock);
            Executor& candidate = executor(i);
            const bool connected = candidate.state == ExecutorState::Idle || candidate.state == ExecutorState::Running;
            if (!connected || !is_due(candidate, now)) continue;
            candidate.due = true;
            if (candidate.state == ExecutorState::Idle) latch = candidate.latch;
        }
        if (latch) SetLatch(latch);
    }
}

void let_all_go() {
    for (int i = 0; i < shared()->executor_count; ++i) {
        Latch* latch = nullptr;
        {
            const Locked locked(shared()->lock);
            executor(i).retire = true;
            latch = executor(i).latch;
        }
        if (latch) SetLatch(latch);
    }
    // as soon as none is connected
    set_trouble("pgrest is paused");
}

// Only the launcher knows those that it has ordered and that have not begun.
void note_those_left() {
    int left = 0;
    const Locked locked(shared()->lock);
    for (int i = 0; i < shared()->executor_count; ++i)
        if (self.registrations[i].handle || executor(i).state != ExecutorState::Empty) ++left;
    if (shared()->paused) shared()->executors_left = left;
}

void note_connection(const Census& census) {
    if (census.connected < shared()->executor_count) return;
    self.delay = 0;
    self.not_before = 0;
}

void manage() {
    bool paused = false;
    {
        const Locked locked(shared()->lock, Access::Shared);
        paused = shared()->paused;
    }
    if (paused) {
        vacancies();
        let_all_go();
        note_those_left();
        return;
    }
    if (!self.may_connect) return;
    note_connection(count_executors());
    start_missing();
    replace_old();
}

// PostgreSQL starts all the same. Does not return; the postmaster does not start this process again.
[[noreturn]] void say_that_memory_is_missing() {
    ereport(LOG, (errmsg("pgrest serves no HTTP: a library behind it in shared_preload_libraries keeps its request for "
                         "shared memory from PostgreSQL; name pgrest behind that library")));
    proc_exit(0);
}

void wait() {
    const int longest = self.seen == self.read ? poll_interval : file_interval;
    pg::guarded([=] {
        WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, longest, wait_event(Wait::ForExecutors));
        ResetLatch(MyLatch);
    });
}

void run() {
    self.registrations.resize(shared()->executor_count);
    load_configuration();
    while (!ShutdownRequestPending) {
        manage();
        open_to_clients_in_trouble();
        wait();
        if (pg::guarded([] { return handle_interrupts(); })) reload_configuration();
        hear_database();
        watch_secret_file();
    }
}

}  // namespace

}  // namespace pgrest::pool

extern "C" void pgrest_launcher_main(Datum) {
    using namespace pgrest;
    if (!ipc::shared()) pool::say_that_memory_is_missing();
    pool::start_without_database();
    pool::enter_launcher();
    pg::translate_exceptions([] { pool::run(); });
    // not 0, which would keep the postmaster from starting it again
    proc_exit(1);
}
