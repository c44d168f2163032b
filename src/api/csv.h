// Comma-separated values (RFC 4180).
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace pgrest::api {

// Reads one line after the other, so that a body of short lines takes no more memory than its text. Empty lines are
// left out. A field that holds no quotes is not copied. The text must outlive the reader.
class CsvReader {
public:
    // More fields than any relation has columns, or function parameters.
    static constexpr std::size_t kMaxFields = 10000;

    explicit CsvReader(std::string_view text) : text_(text) {}

    // The next line's fields, which are good until the next call; false at the end. Throws PGRST102 for a quote where
    // none may stand and for a line of more than kMaxFields fields.
    bool next(std::vector<std::string_view>& fields);

    // Whether the last line ended before the text did.
    bool line_ended() const { return line_ended_; }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take_line_end();
    std::string_view field();
    std::string_view plain();
    std::string_view quoted();

    std::string_view text_;
    std::size_t at_ = 0;
    bool line_ended_ = false;
    std::deque<std::string> unescaped_;  // fields of the line that have doubled quotes
};

}  // namespace pgrest::api
