// jwt_secret = '@path': the file's content, and whether it has changed since. Relative names start in the data
// directory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.h"

namespace pgrest::settings {

// The file that these settings read the secret from; nothing when they hold the secret itself, or none.
std::optional<std::string> secret_file(const config::Settings& settings);

// Puts the file's content in place of its name. What keeps it from being read, if anything does.
std::optional<config::Problem> read_secret_file(config::Settings& settings);

// Two looks at a file that was not changed between them are equal. All zero: no such file.
struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;

    bool operator==(const FileStamp&) const = default;
};

FileStamp look_at(const std::string& path);

}  // namespace pgrest::settings
