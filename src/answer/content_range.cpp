#include "answer/content_range.h"

namespace pgrest::answer {

std::string content_range(std::int64_t lower, std::int64_t rows, std::optional<std::int64_t> total) {
    std::string text = "*";
    if (rows > 0 && (!total || *total > 0)) text = std::to_string(lower) + "-" + std::to_string(lower + rows - 1);
    return text + "/" + (total ? std::to_string(*total) : "*");
}

int status_of_range(std::int64_t rows, std::optional<std::int64_t> total) {
    return total && rows < *total ? 206 : 200;
}

bool beyond_total(std::int64_t lower, std::optional<std::int64_t> total) {
    return total && lower > *total;
}

}  // namespace pgrest::answer
