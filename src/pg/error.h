// What PostgreSQL reported, as a C++ exception.
#pragma once

#include <exception>

#include "http/error.h"

namespace pgrest::pg {

class Error : public std::exception {
public:
    explicit Error(http::DatabaseError error) : error_(std::move(error)) {}
    const http::DatabaseError& error() const noexcept { return error_; }
    const char* what() const noexcept override { return error_.message.c_str(); }

private:
    http::DatabaseError error_;
};

}  // namespace pgrest::pg
