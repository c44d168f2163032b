// Who a request is: the outcome of authentication. Pure C++.
#pragma once

#include <string>

namespace pgrest::auth {

struct Identity {
    std::string role;            // the database role to become
    std::string claims;          // JSON object text: all claims, `role` replaced by the role in force
    bool authenticated = false;  // role differs from the anonymous one (42501: 403 instead of 401)
};

}  // namespace pgrest::auth
