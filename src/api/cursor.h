// A position in text that a parser moves over, and the error that it makes where it cannot go on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pgrest::api {

class Cursor {
public:
    // parameter: how messages name what is being parsed ("select", "filter of id").
    Cursor(std::string_view text, std::string parameter) : text_(text), parameter_(std::move(parameter)) {}

    bool at_end() const { return at_ >= text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    std::string_view rest() const { return text_.substr(at_); }
    std::size_t position() const { return at_; }
    void go_to(std::size_t position) { at_ = position; }
    void advance(std::size_t count = 1) { at_ += count; }

    bool take(char c) {
        if (at_end() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    bool take(std::string_view word) {
        if (rest().substr(0, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }
    void skip_blanks() {
        while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t'))
            ++at_;
    }
    std::string_view between(std::size_t from, std::size_t to) const { return text_.substr(from, to - from); }

    // PGRST100: where in which parameter, what was found, what was expected.
    [[noreturn]] void fail(std::string_view expected) const;

private:
    std::string_view text_;
    std::string parameter_;
    std::size_t at_ = 0;
};

}  // namespace pgrest::api
