// The transaction around a request: role, settings, pre-request, role lock, end (auth.md sections 4 to 8).
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "exec/setting_texts.h"
#include "exec/waiting_settings.h"

namespace pgrest::exec {

enum class Isolation { ReadCommitted, RepeatableRead, Serializable };

// Texts are UTF-8, but for the authenticator's name: that is in the catalog's bytes, as pgrest.authenticator has it.
struct TransactionPlan {
    bool read_only = true;
    std::optional<Isolation> function_isolation;  // the called function's clause; else the role's setting decides
    std::string search_path;                      // quoted, joined: "\"api\", \"public\""
    std::string role;
    std::string authenticator;  // whose membership counts; used by Surroundings::Subtransaction
    // Told of a setting of the role, or of the called function, that PostgreSQL refuses here. May throw
    // NeedsFreshSession; otherwise the request goes without the setting of the role, and the function's is PostgreSQL's
    // to judge. Not in a subtransaction, where there is a warning instead.
    std::function<void(const std::string& name, const std::string& value)> refused_setting;
    SettingTexts function_settings;
    bool apply_role_settings = true;  // db_config: settings of the role (auth.md 4.4), isolation of the role
    // Set after the role, local to the transaction: first what SQL learns about the request (claims, request.*), made
    // only when it is needed; then, in this order, timezone and hoisted settings. Names that PostgreSQL refuses are
    // errors of the request.
    std::function<SettingTexts()> request_settings;
    SettingTexts settings;
    std::string pre_request_sql;  // `SELECT "schema"."name"()`, "" = none
    bool lock_role = true;
};

// What earlier requests have left in the session, and what nothing can take back, is in the way of this one. Nothing
// of it has been answered or done.
struct NeedsFreshSession : std::exception {
    const char* what() const noexcept override { return "the request needs a fresh session"; }
};

enum class Surroundings {
    OwnTransaction,  // an executor: a transaction of its own, isolation can be chosen
    Subtransaction,  // pgrest.request(): inside the caller's transaction; everything is put back afterwards
};

// Opens what looking names up needs: in an executor the transaction that the request will run in (its isolation level
// and role are only set by Transaction::begin, so that a request that fails before costs no more), else a
// subtransaction around all of the request: PostgreSQL tidies up after an error (what was waited for, pinned, pushed)
// when it ends one. Ends it when nobody has taken it over.
class CatalogAccess {
public:
    explicit CatalogAccess(Surroundings surroundings);
    ~CatalogAccess();
    // The request has ended as it should; what it did is kept, also when its answer then fails.
    void keep() { kept_ = true; }
    CatalogAccess(const CatalogAccess&) = delete;
    CatalogAccess& operator=(const CatalogAccess&) = delete;

private:
    void end_subtransaction() noexcept;

    Surroundings surroundings_;
    bool kept_ = false;
    void* outer_owner_ = nullptr;  // resource owner and memory context before a subtransaction
    void* outer_memory_ = nullptr;
};

// begin() does all up to and including the pre-request function and the lock. Any failure throws pg::Error, and the
// transaction is then rolled back by the destructor. One object, one request.
class Transaction {
public:
    explicit Transaction(Surroundings surroundings);
    ~Transaction();  // rolls back what has not ended
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    // Inside a CatalogAccess of the same surroundings.
    void begin(const TransactionPlan& plan);
    // `response.status` and `response.headers` as they stand; "" when not set.
    std::string setting(const char* name);
    void check_deferred_constraints();  // SET CONSTRAINTS ALL IMMEDIATE
    void commit();
    void rollback();

private:
    Surroundings surroundings_;
    bool open_ = false;
    int settings_level_ = 0;   // nest level of settings, of a subtransaction
    unsigned outer_user_ = 0;  // user and security context before, of a subtransaction
    int outer_security_context_ = 0;
    bool outer_lock_ = false;
    void* outer_owner_ = nullptr;  // resource owner and memory context before it
    void* outer_memory_ = nullptr;
    WaitingSettings waiting_;
};

// The list of design.md section 3 (8): role, settings, portals, prepared statements, LISTEN, session advisory locks,
// temporary tables, sequence caches. After every request of an executor, also after errors. Never throws; a failure
// ends the process.
void clean_up_session();

}  // namespace pgrest::exec
