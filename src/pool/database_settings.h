// Settings that are kept in the database: of the authenticator role (ALTER ROLE ... SET pgrst.NAME) and of a function
// (db_pre_config). The launcher, which has no database, asks; the next executor between two requests reads and
// delivers.
#pragma once

#include <optional>
#include <string>

#include "config/config.h"

namespace pgrest::pool {

// ---- launcher, and backends that want the same configuration
// Asks. The function is the one that the server parameters name, "" = none; the role's settings may name another.
void ask_for_database_settings(const std::string& function);

struct DatabaseAnswer {
    std::optional<std::string> problem;
    config::Settings settings;
};
// Nothing while the answer to the last question has not come.
std::optional<DatabaseAnswer> database_answer();

// Changes with every answer; 0 = there is none.
std::uint64_t number_of_database_answer();

// ---- executor
// Between two requests. True when there was a question, whose answer may have left its traces in the session, and which
// leaves the process open to cancels and a timeout running.
bool answer_launcher_if_asked(int executor);

// When this process ends in the middle of an answer: another executor gives it.
void give_back_question();

}  // namespace pgrest::pool
