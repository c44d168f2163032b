// Content-Range (RFC 9110 section 14.4) and the status that a count implies. Pure C++.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pgrest::answer {

// "0-24/*", "*/573", ...: lower is the offset of the window, rows what it holds, total nothing when not counted.
std::string content_range(std::int64_t lower, std::int64_t rows, std::optional<std::int64_t> total);

// 200 or 206 for a read; 416 is the caller's to find with beyond_total().
int status_of_range(std::int64_t rows, std::optional<std::int64_t> total);

bool beyond_total(std::int64_t lower, std::optional<std::int64_t> total);

}  // namespace pgrest::answer
