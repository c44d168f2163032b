#include <algorithm>

#include "api/parse.h"

namespace pgrest::api {

namespace {

constexpr std::size_t kLongest = 256;  // names are shorter; this bounds the work for what is none

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

// Each letter that one has more is a difference.
double best_possible(std::string_view a, std::string_view b) {
    const std::size_t longer = std::min(kLongest, std::max(a.size(), b.size()));
    const std::size_t shorter = std::min(kLongest, std::min(a.size(), b.size()));
    return longer == 0 ? 1 : static_cast<double>(shorter) / static_cast<double>(longer);
}

}  // namespace

double similarity(std::string_view a, std::string_view b) {
    a = a.substr(0, kLongest);
    b = b.substr(0, kLongest);
    const std::size_t longer = std::max(a.size(), b.size());
    if (longer == 0) return 1;
    return 1 - static_cast<double>(distance(a, b)) / static_cast<double>(longer);
}

std::optional<std::string> most_similar(std::string_view wanted, const std::vector<std::string>& candidates,
                                        double at_least) {
    const std::string* best = nullptr;
    double best_score = at_least;
    for (const std::string& candidate : candidates) {
        if (best_possible(wanted, candidate) < best_score) continue;
        const double score = similarity(wanted, candidate);
        if (score < best_score || (best && score == best_score)) continue;
        best = &candidate;
        best_score = score;
    }
    return best ? std::optional<std::string>(*best) : std::nullopt;
}

}  // namespace pgrest::api
