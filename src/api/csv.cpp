#include "api/csv.h"

#include "http/error.h"

namespace pgrest::api {

namespace {

[[noreturn]] void fail_csv(const std::string& what) {
    http::fail("PGRST102", "The body is not valid CSV: " + what);
}

}  // namespace

bool CsvReader::next(std::vector<std::string>& fields) {
    fields.clear();
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

std::string CsvReader::field() {
    return peek() == '"' ? quoted() : plain();
}

std::string CsvReader::plain() {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
        if (text_[at_] == '"') fail_csv("a field with quotes must be quoted as a whole, with its quotes doubled");
        ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
}

std::string CsvReader::quoted() {
    std::string field;
    ++at_;
    while (at_ < text_.size()) {
        const char c = text_[at_++];
        if (c != '"') {
            field += c;
            continue;
        }
        if (peek() != '"') return field;
        field += '"';
        ++at_;
    }
    fail_csv("a quoted field does not end");
}

}  // namespace pgrest::api
