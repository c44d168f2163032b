#include "api/csv.h"

#include "http/error.h"

namespace pgrest::api {

namespace {

[[noreturn]] void fail_csv(const std::string& what) {
    http::fail("PGRST102", "The body is not valid CSV: " + what);
}

}  // namespace

bool CsvReader::next(std::vector<std::string_view>& fields) {
    fields.clear();
    unescaped_.clear();
    while (take_line_end()) {
    }
    if (at_ >= text_.size()) return false;
    while (true) {
        if (fields.size() == kMaxFields) fail_csv("a line has more than " + std::to_string(kMaxFields) + " fields");
        fields.push_back(field());
        if (at_ < text_.size() && text_[at_] == ',') {
            ++at_;
            continue;
        }
        line_ended_ = take_line_end();
        if (line_ended_ || at_ >= text_.size()) return true;
        fail_csv("a quoted field ends with its quote");
    }
}

bool CsvReader::take_line_end() {
    if (peek() == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') {
        at_ += 2;
        return true;
    }
    if (at_ >= text_.size() || (peek() != '\n' && peek() != '\r')) return false;
    ++at_;
    return true;
}

std::string_view CsvReader::field() {
    return peek() == '"' ? quoted() : plain();
}

std::string_view CsvReader::plain() {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
        if (text_[at_] == '"') fail_csv("a field with quotes must be quoted as a whole, with its quotes doubled");
        ++at_;
    }
    return text_.substr(start, at_ - start);
}

std::string_view CsvReader::quoted() {
    std::string* unescaped = nullptr;
    for (std::size_t start = ++at_;; start = at_++) {
        at_ = text_.find('"', at_);
        if (at_ == std::string_view::npos) fail_csv("a quoted field does not end");
        const std::string_view piece = text_.substr(start, at_ - start);
        ++at_;
        if (unescaped) unescaped->append(piece);
        if (peek() != '"') return unescaped ? std::string_view(*unescaped) : piece;
        // the second of two quotes begins the next piece
        if (!unescaped) unescaped = &unescaped_.emplace_back(piece);
    }
}

}  // namespace pgrest::api
