#include <algorithm>
#include <array>
#include <cstdint>

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

// What most names are cut off by: every letter that one has and the other has not is a difference, wherever it stands.
class Letters {
public:
    explicit Letters(std::string_view text) : size_(std::min(kLongest, text.size())) {
        for (const char c : text.substr(0, kLongest))
            ++count_[index(c)];
    }

    // No similarity to the text is higher.
    double best_possible(std::string_view text) const {
        text = text.substr(0, kLongest);
        const std::size_t longer = std::max(size_, text.size());
        if (longer == 0) return 1;
        auto left = count_;
        std::size_t common = 0;
        for (const char c : text)
            if (left[index(c)] > 0) {
                --left[index(c)];
                ++common;
            }
        return static_cast<double>(common) / static_cast<double>(longer);
    }

private:
    static std::size_t index(char c) { return static_cast<unsigned char>(lower(c)); }

    std::size_t size_;
    std::array<std::uint16_t, 256> count_{};
};

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
    const Letters letters(wanted);
    const std::string* best = nullptr;
    double best_score = at_least;
    for (const std::string& candidate : candidates) {
        if (letters.best_possible(candidate) < best_score) continue;
        const double score = similarity(wanted, candidate);
        if (score < best_score || (best && score == best_score)) continue;
        best = &candidate;
        best_score = score;
    }
    return best ? std::optional<std::string>(*best) : std::nullopt;
}

}  // namespace pgrest::api
