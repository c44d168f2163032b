#include "api/csv.h"

#include "http/error.h"

namespace pgrest::api {

namespace {

[[noreturn]] void fail_csv(const char* what) {
    http::fail("PGRST102", std::string("The body is not valid CSV: ") + what);
}

class CsvParser {
public:
    explicit CsvParser(std::string_view text) : text_(text) {}

    std::vector<std::vector<std::string>> parse() {
        std::vector<std::vector<std::string>> lines;
        while (at_ < text_.size()) {
            if (take_line_end()) continue;
            lines.push_back(line());
        }
        return lines;
    }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool take_line_end() {
        if (peek() == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') {
            at_ += 2;
            return true;
        }
        if (at_ >= text_.size() || (peek() != '\n' && peek() != '\r')) return false;
        ++at_;
        return true;
    }

    std::vector<std::string> line() {
        std::vector<std::string> fields;
        while (true) {
            fields.push_back(peek() == '"' ? quoted() : plain());
            if (at_ < text_.size() && text_[at_] == ',') {
                ++at_;
                continue;
            }
            if (at_ >= text_.size() || take_line_end()) return fields;
            fail_csv("a quoted field ends with its quote");
        }
    }

    std::string plain() {
        const std::size_t start = at_;
        while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
            if (text_[at_] == '"') fail_csv("a field with quotes must be quoted as a whole, with its quotes doubled");
            ++at_;
        }
        return std::string(text_.substr(start, at_ - start));
    }

    std::string quoted() {
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

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::vector<std::vector<std::string>> parse_csv(std::string_view text) {
    return CsvParser(text).parse();
}

}  // namespace pgrest::api
