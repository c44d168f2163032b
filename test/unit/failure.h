// What a call that is refused answers.
#pragma once

#include <string>

#include "http/error.h"

namespace pgrest {

// The code of the failure, "" when there is none.
template <typename F>
std::string code_of(F call) {
    try {
        call();
    } catch (const http::Failure& failure) {
        return failure.error().code;
    }
    return "";
}

}  // namespace pgrest
