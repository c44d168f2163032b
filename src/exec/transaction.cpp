#include "exec/transaction.h"

#include <cstring>

#include "exec/body.h"
#include "exec/role_lock.h"
#include "exec/role_settings.h"
#include "exec/settings_guc.h"
#include "exec/statement.h"
#include "exec/statement_timer.h"
#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "access/xact.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "storage/ipc.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
}

namespace pgrest::exec {

namespace {

// An answer that nobody reads: the pre-request function's result.
class NoSink : public http::ResponseSink {
public:
    void start(int, std::string_view, const http::Headers&, std::optional<std::uint64_t>) override {}
    void write(const char*, std::size_t) override {}
    void finish() override {}
};

struct Preparation {
    bool read_only;
    int function_isolation;  // -1: none
    const char* search_path;
    const char* role;
    Oid authenticator;
    bool apply_role_settings;
    bool subtransaction;
    int refused = 0;  // settings of the role
    const char** refused_names = nullptr;
    const char** refused_values = nullptr;
};

int isolation_level(int isolation) {
    switch (static_cast<Isolation>(isolation)) {
        case Isolation::RepeatableRead:
            return XACT_REPEATABLE_READ;
        case Isolation::Serializable:
            return XACT_SERIALIZABLE;
        case Isolation::ReadCommitted:
            break;
    }
    return XACT_READ_COMMITTED;
}

void set_transaction_mode(const Preparation* plan, const RoleSettings* role) {
    if (plan->subtransaction) {
        // isolation belongs to the surrounding transaction; read only can be made stricter
        if (plan->read_only && !XactReadOnly) set_local("transaction_read_only", "on", true);
        return;
    }
    const int isolation = plan->function_isolation >= 0 ? plan->function_isolation : role->isolation;
    XactIsoLevel = isolation_level(isolation < 0 ? static_cast<int>(Isolation::ReadCommitted) : isolation);
    XactReadOnly = plan->read_only || RecoveryInProgress();
}

// PostgreSQL checks membership against the session's user. In pgrest.request() that may be a superuser, while the role
// must be one that the authenticator could become.
void check_membership(const Preparation* plan) {
    const Oid role = get_role_oid(plan->role, true);
    if (!OidIsValid(role))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("role \"%s\" does not exist", plan->role)));
    if (!is_member_of_role_nosuper(plan->authenticator, role))
        ereport(ERROR,
                (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to set role \"%s\"", plan->role)));
}

void switch_role(const Preparation* plan) {
    if (!plan->subtransaction) {
        set_local("role", plan->role, false);
        return;
    }
    if (std::strcmp(plan->role, "none") == 0) {
        set_local("role", GetUserNameFromId(plan->authenticator, false), true);
        return;
    }
    check_membership(plan);
    set_local("role", plan->role, true);
}

// Some cannot be set any more: temp_buffers once a temporary table was used. At the start of a session of its own, a
// setting of a role that is refused is a warning.
void set_settings_of_role(Preparation* plan, const RoleSettings* role) {
    if (role->count == 0) return;
    plan->refused_names = static_cast<const char**>(palloc(sizeof(char*) * role->count));
    plan->refused_values = static_cast<const char**>(palloc(sizeof(char*) * role->count));
    const int level = plan->subtransaction ? WARNING : DEBUG5;
    for (int i = 0; i < role->count; ++i) {
        if (try_set_local(role->names[i], role->values[i], plan->subtransaction, level)) continue;
        plan->refused_names[plan->refused] = role->names[i];
        plan->refused_values[plan->refused] = role->values[i];
        ++plan->refused;
    }
}

void prepare(Preparation* plan) {
    RoleSettings role;
    if (plan->apply_role_settings) role = read_role_settings(plan->role, plan->authenticator, !plan->subtransaction);
    set_transaction_mode(plan, &role);
    set_local("search_path", plan->search_path, plan->subtransaction);
    set_settings_of_role(plan, &role);
    switch_role(plan);
}

Oid authenticator_of(const TransactionPlan& plan, Surroundings surroundings) {
    if (surroundings == Surroundings::OwnTransaction) return GetSessionUserId();
    const char* name = plan.authenticator.c_str();
    return pg::guarded([=] { return get_role_oid(name, false); });
}

void run_pre_request(const std::string& sql) {
    NoSink sink;
    Body nowhere(sink);
    RowFormat format;
    format.form = RowForm::None;
    RunOptions options;
    options.read_only = false;
    run(Statement{sql, {}, {}, nullptr, {}, {}}, format, options, nowhere);
}

void tell_of_refused(const TransactionPlan& plan, const Preparation& preparation) {
    if (preparation.subtransaction || !plan.refused_setting) return;
    for (int i = 0; i < preparation.refused; ++i)
        plan.refused_setting(pg::shown_from_server(preparation.refused_names[i]),
                             pg::shown_from_server(preparation.refused_values[i]));
    for (const auto& [name, value] : plan.function_settings) {
        const pg::ServerText converted_name(name);
        const pg::ServerText converted_value(value);
        const char* const setting = converted_name.c_str();
        const char* const text = converted_value.c_str();
        if (!pg::guarded([=] { return can_be_set(setting, text); })) plan.refused_setting(name, value);
    }
}

// The end of a transaction runs deferred triggers, so it is a statement with a timeout, as a client's COMMIT is.
class TimedEnd {
public:
    TimedEnd() {
        StatementTimer* const timer = &timer_;
        pg::guarded([=] { timer->start(); });
    }

private:
    StatementTimer timer_;
};

// Rolling back in a destructor. A session whose transaction cannot be ended cannot serve another request.
template <typename F>
void end_or_exit(F call) noexcept {
    try {
        pg::guarded(call);
    } catch (const std::exception&) {
        proc_exit(1);
    }
}

}  // namespace

CatalogAccess::CatalogAccess(Surroundings surroundings) : surroundings_(surroundings) {
    if (surroundings_ == Surroundings::OwnTransaction) {
        pg::guarded([] { StartTransactionCommand(); });
        return;
    }
    MemoryContext const memory = CurrentMemoryContext;
    outer_memory_ = memory;
    outer_owner_ = CurrentResourceOwner;
    pg::guarded([=] {
        BeginInternalSubTransaction(nullptr);
        MemoryContextSwitchTo(memory);
    });
}

CatalogAccess::~CatalogAccess() {
    if (surroundings_ != Surroundings::OwnTransaction) {
        end_subtransaction();
        return;
    }
    if (!IsTransactionOrTransactionBlock()) return;
    end_or_exit([] { AbortCurrentTransaction(); });
}

void CatalogAccess::end_subtransaction() noexcept {
    const bool kept = kept_;
    void* const owner = outer_owner_;
    void* const memory = outer_memory_;
    end_or_exit([=] {
        if (kept)
            ReleaseCurrentSubTransaction();
        else
            RollbackAndReleaseCurrentSubTransaction();
        CurrentResourceOwner = static_cast<ResourceOwner>(owner);
        MemoryContextSwitchTo(static_cast<MemoryContext>(memory));
    });
}

Transaction::Transaction(Surroundings surroundings) : surroundings_(surroundings) {}

Transaction::~Transaction() {
    if (!open_) return;
    try {
        rollback();
    } catch (const std::exception&) {
        proc_exit(1);
    }
}

void Transaction::begin(const TransactionPlan& plan) {
    const pg::ServerText search_path(plan.search_path);
    const pg::ServerText role(plan.role);
    Preparation preparation{};
    preparation.read_only = plan.read_only;
    preparation.function_isolation = plan.function_isolation ? static_cast<int>(*plan.function_isolation) : -1;
    preparation.search_path = search_path.c_str();
    preparation.role = role.c_str();
    preparation.authenticator = authenticator_of(plan, surroundings_);
    preparation.apply_role_settings = plan.apply_role_settings;
    preparation.subtransaction = surroundings_ == Surroundings::Subtransaction;

    Preparation* const prepared = &preparation;
    open_ = true;
    if (preparation.subtransaction) {
        Oid user = InvalidOid;
        GetUserIdAndSecContext(&user, &outer_security_context_);
        outer_lock_ = role_is_locked();
        outer_user_ = user;
        outer_owner_ = CurrentResourceOwner;
        outer_memory_ = CurrentMemoryContext;
        settings_level_ = pg::guarded([] {
            BeginInternalSubTransaction(nullptr);
            return NewGUCNestLevel();
        });
    }
    pg::guarded([=] { prepare(prepared); });
    tell_of_refused(plan, preparation);
    // what has to be converted can fail to be, which must not depend on the statement
    if (preparation.subtransaction || !plan.pre_request_sql.empty() || !pg::server_speaks_utf8())
        set_locally(plan.request_settings(), preparation.subtransaction);
    else
        waiting_.wait(plan.request_settings);
    set_locally(plan.settings, preparation.subtransaction);
    if (!plan.pre_request_sql.empty()) {
        // a procedural language wants a snapshot around it
        pg::guarded([] { PushActiveSnapshot(GetTransactionSnapshot()); });
        run_pre_request(plan.pre_request_sql);
        pg::guarded([] { PopActiveSnapshot(); });
    }
    if (plan.lock_role) pg::guarded([] { lock_role(); });
    // reads of the request share one snapshot, taken after the pre-request function, whose changes they see
    pg::guarded([] { PushActiveSnapshot(GetTransactionSnapshot()); });
}

std::string Transaction::setting(const char* name) {
    return pg::from_server(pg::guarded([=] { return value_of_setting(name); }));
}

void Transaction::check_deferred_constraints() {
    const TimedEnd timed;
    pg::guarded([] {
        ConstraintsSetStmt* statement = makeNode(ConstraintsSetStmt);
        statement->constraints = NIL;
        statement->deferred = false;
        AfterTriggerSetState(statement);
    });
}

void Transaction::commit() {
    waiting_.drop();
    if (surroundings_ == Surroundings::OwnTransaction) {
        const TimedEnd timed;
        pg::guarded([] {
            if (ActiveSnapshotSet()) PopActiveSnapshot();
            CommitTransactionCommand();
        });
        open_ = false;
        return;
    }
    const int level = settings_level_;
    const Oid user = outer_user_;
    const int context = outer_security_context_;
    const bool was_locked = outer_lock_;
    void* const owner = outer_owner_;
    void* const memory = outer_memory_;
    pg::guarded([=] {
        PopActiveSnapshot();
        unlock_role();
        AtEOXact_GUC(false, level);  // false: whatever the request has set is put back, also after success
        SetUserIdAndSecContext(user, context);
        role_lock_is_back(was_locked);
        ReleaseCurrentSubTransaction();
        CurrentResourceOwner = static_cast<ResourceOwner>(owner);
        MemoryContextSwitchTo(static_cast<MemoryContext>(memory));
    });
    open_ = false;
}

void Transaction::rollback() {
    open_ = false;
    waiting_.drop();
    if (surroundings_ == Surroundings::OwnTransaction) {
        pg::guarded([] { AbortCurrentTransaction(); });
        return;
    }
    const Oid user = outer_user_;
    const int context = outer_security_context_;
    const bool was_locked = outer_lock_;
    void* const owner = outer_owner_;
    void* const memory = outer_memory_;
    pg::guarded([=] {
        unlock_role();
        RollbackAndReleaseCurrentSubTransaction();
        CurrentResourceOwner = static_cast<ResourceOwner>(owner);
        MemoryContextSwitchTo(static_cast<MemoryContext>(memory));
        SetUserIdAndSecContext(user, context);
        role_lock_is_back(was_locked);
    });
}

}  // namespace pgrest::exec
