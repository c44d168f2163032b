// Is the session of this process still one that may serve? PostgreSQL lets a session go on when its role is dropped,
// renamed or made a superuser.
#pragma once

#include <string>

namespace pgrest::pool {

enum class Fitness : int { Fit, Missing, Replaced, Superuser, NoLogin };

// Why the role cannot be the authenticator; "" when it can.
std::string reason_of(Fitness fitness, const std::string& role);

// From now on changes of roles are noticed. The role is the one that the session was opened for.
void watch_authenticator(const char* role);

// Throws http::Failure (PGRST000) when the role is not fit any more, pg::Error when it cannot be found out. In a
// transaction, whose start has heard of every change before it.
void require_authenticator();

// It was found unfit: the process must end, and another one tells whether there is a role to connect as.
bool has_lost_authenticator();

}  // namespace pgrest::pool
