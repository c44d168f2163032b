#include "json/json.h"

#include <cstdint>
#include <set>

namespace pgrest::json {

namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Length of the UTF-8 sequence at p, 0 when it is not well-formed (Unicode 15, table 3-7).
std::size_t sequence_length(const unsigned char* p, const unsigned char* end) {
    const auto follows = [&](std::size_t i, unsigned char low, unsigned char high) {
        return p + i < end && p[i] >= low && p[i] <= high;
    };
    if (p[0] < 0x80) return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) return follows(1, 0x80, 0xBF) ? 2 : 0;
    if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        const unsigned char low = p[0] == 0xE0 ? 0xA0 : 0x80;
        const unsigned char high = p[0] == 0xED ? 0x9F : 0xBF;
        return follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        const unsigned char low = p[0] == 0xF0 ? 0x90 : 0x80;
        const unsigned char high = p[0] == 0xF4 ? 0x8F : 0xBF;
        return follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
    }
    return 0;
}

void append_code_point(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0 | (code >> 6));
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0 | (code >> 12));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | (code >> 18));
        out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    }
}

// Moves over JSON text; every function leaves the position behind what it accepted, or fails for good.
class Scanner {
public:
    explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    void skip_space() {
        while (at_ < end_ && is_space(*at_))
            ++at_;
    }
    bool at_end() const { return at_ == end_; }
    char peek() const { return at_ < end_ ? *at_ : '\0'; }
    bool take(char c) {
        if (at_ >= end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    const char* position() const { return at_; }

    std::optional<Kind> value(int depth) {
        switch (peek()) {
            case '{':
                return object(depth) ? std::optional(Kind::Object) : std::nullopt;
            case '[':
                return array(depth) ? std::optional(Kind::Array) : std::nullopt;
            case '"':
                return string() ? std::optional(Kind::String) : std::nullopt;
            case 't':
                return word("true") ? std::optional(Kind::True) : std::nullopt;
            case 'f':
                return word("false") ? std::optional(Kind::False) : std::nullopt;
            case 'n':
                return word("null") ? std::optional(Kind::Null) : std::nullopt;
            default:
                return number() ? std::optional(Kind::Number) : std::nullopt;
        }
    }

    bool string() {
        if (!take('"')) return false;
        while (at_ < end_) {
            const auto c = static_cast<unsigned char>(*at_);
            if (c == '"') {
                ++at_;
                return true;
            }
            if (c < 0x20) return false;
            if (c == '\\') {
                if (!escape()) return false;
            } else if (c < 0x80) {
                ++at_;
            } else {
                const std::size_t length = sequence_length(bytes(), bytes_end());
                if (length == 0) return false;
                at_ += length;
            }
        }
        return false;
    }

private:
    const unsigned char* bytes() const { return reinterpret_cast<const unsigned char*>(at_); }
    const unsigned char* bytes_end() const { return reinterpret_cast<const unsigned char*>(end_); }

    bool word(std::string_view text) {
        if (std::string_view(at_, end_ - at_).substr(0, text.size()) != text) return false;
        at_ += text.size();
        return true;
    }

    bool digits() {
        if (!is_digit(peek())) return false;
        while (is_digit(peek()))
            ++at_;
        return true;
    }

    bool number() {
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (peek() == 'e' || peek() == 'E') {
            ++at_;
            if (!take('+')) take('-');
            return digits();
        }
        return true;
    }

    std::optional<std::uint32_t> four_digits() {
        if (end_ - at_ < 4) return {};
        std::uint32_t code = 0;
        for (int i = 0; i < 4; ++i) {
            const int digit = hex_value(at_[i]);
            if (digit < 0) return {};
            code = code * 16 + static_cast<std::uint32_t>(digit);
        }
        at_ += 4;
        return code;
    }

    bool escape() {
        ++at_;  // the backslash
        switch (peek()) {
            case '"':
            case '\\':
            case '/':
            case 'b':
            case 'f':
            case 'n':
            case 'r':
            case 't':
                ++at_;
                return true;
            case 'u':
                ++at_;
                return unicode_escape();
            default:
                return false;
        }
    }

    bool unicode_escape() {
        const auto code = four_digits();
        if (!code) return false;
        if (*code >= 0xDC00 && *code <= 0xDFFF) return false;
        if (*code < 0xD800 || *code > 0xDBFF) return true;
        if (!take('\\') || !take('u')) return false;
        const auto low = four_digits();
        return low && *low >= 0xDC00 && *low <= 0xDFFF;
    }

    bool array(int depth) {
        if (depth <= 0 || !take('[')) return false;
        skip_space();
        if (take(']')) return true;
        while (true) {
            skip_space();
            if (!value(depth - 1)) return false;
            skip_space();
            if (take(']')) return true;
            if (!take(',')) return false;
        }
    }

    bool object(int depth) {
        if (depth <= 0 || !take('{')) return false;
        skip_space();
        if (take('}')) return true;
        while (true) {
            skip_space();
            if (!string()) return false;
            skip_space();
            if (!take(':')) return false;
            skip_space();
            if (!value(depth - 1)) return false;
            skip_space();
            if (take('}')) return true;
            if (!take(',')) return false;
        }
    }

    const char* at_;
    const char* end_;
};

std::string decode(std::string_view quoted) {
    std::string out;
    out.reserve(quoted.size());
    for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
        if (quoted[i] != '\\') {
            out += quoted[i];
            continue;
        }
        const char c = quoted[++i];
        if (c != 'u') {
            constexpr std::string_view kFrom = "bfnrt";
            constexpr std::string_view kTo = "\b\f\n\r\t";
            const std::size_t at = kFrom.find(c);
            out += at == std::string_view::npos ? c : kTo[at];
            continue;
        }
        const auto four = [&](std::size_t at) {
            std::uint32_t code = 0;
            for (std::size_t k = 0; k < 4; ++k)
                code = code * 16 + static_cast<std::uint32_t>(hex_value(quoted[at + k]));
            return code;
        };
        std::uint32_t code = four(i + 1);
        i += 4;
        if (code >= 0xD800 && code <= 0xDBFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (four(i + 3) - 0xDC00);
            i += 6;
        }
        append_code_point(out, code);
    }
    return out;
}

// The scanner over a value that has been accepted before.
Value next_value(Scanner& scanner) {
    const char* const start = scanner.position();
    const auto kind = scanner.value(kMaxDepth);
    return {kind.value_or(Kind::Null), std::string_view(start, scanner.position() - start)};
}

// Copies a value that has been accepted before, in one pass, and leaves out members whose name came before.
class RepeatRemover {
public:
    explicit RepeatRemover(std::string_view text) : scanner_(text), kept_(text.data()) {}

    std::string run() {
        value();
        keep_until(scanner_.position());
        return std::move(out_);
    }

private:
    void keep_until(const char* end) {
        out_.append(kept_, end);
        kept_ = end;
    }

    void value() {
        if (scanner_.peek() == '{') return object();
        if (scanner_.peek() == '[') return array();
        scanner_.value(kMaxDepth);
    }

    void array() {
        scanner_.take('[');
        scanner_.skip_space();
        while (!scanner_.at_end() && !scanner_.take(']')) {
            value();
            scanner_.skip_space();
            scanner_.take(',');
            scanner_.skip_space();
        }
    }

    // A repeated member is never the first, so the comma before it goes with it.
    void object() {
        std::set<std::string> seen;
        scanner_.take('{');
        scanner_.skip_space();
        const char* before = scanner_.position();
        while (!scanner_.at_end() && !scanner_.take('}')) {
            scanner_.take(',');
            scanner_.skip_space();
            const bool first = seen.insert(name()).second;
            if (!first) keep_until(before);
            scanner_.skip_space();
            scanner_.take(':');
            scanner_.skip_space();
            if (first)
                value();
            else
                scanner_.value(kMaxDepth);
            if (!first) kept_ = scanner_.position();
            before = scanner_.position();
            scanner_.skip_space();
        }
    }

    std::string name() {
        const char* const start = scanner_.position();
        scanner_.string();
        return decode(std::string_view(start, scanner_.position() - start));
    }

    Scanner scanner_;
    const char* kept_;  // where what has not been copied begins
    std::string out_;
};

}  // namespace

std::optional<Value> parse(std::string_view text, int max_depth) {
    Scanner scanner(text);
    scanner.skip_space();
    const char* const start = scanner.position();
    const auto kind = scanner.value(max_depth);
    if (!kind) return {};
    const Value value{*kind, std::string_view(start, scanner.position() - start)};
    scanner.skip_space();
    if (!scanner.at_end()) return {};
    return value;
}

Walk::Walk(const Value& object_or_array) : is_object_(object_or_array.kind == Kind::Object) {
    if (is_object_ || object_or_array.kind == Kind::Array) rest_ = object_or_array.text.substr(1);
}

bool Walk::next(Member& member) {
    std::string_view key;
    if (!next(key, member.value)) return false;
    member.key = decode(key);
    return true;
}

bool Walk::next(std::string_view& key_text, Value& value) {
    Scanner scanner(rest_);
    scanner.skip_space();
    if (scanner.at_end() || scanner.peek() == (is_object_ ? '}' : ']')) return false;
    key_text = {};
    if (is_object_) {
        const char* const start = scanner.position();
        scanner.string();
        key_text = std::string_view(start, scanner.position() - start);
        scanner.skip_space();
        scanner.take(':');
        scanner.skip_space();
    }
    value = next_value(scanner);
    scanner.skip_space();
    scanner.take(',');
    rest_.remove_prefix(scanner.position() - rest_.data());
    return true;
}

std::vector<Member> members(const Value& object) {
    std::vector<Member> found;
    if (object.kind != Kind::Object) return found;
    Walk walk(object);
    for (Member member; walk.next(member);)
        found.push_back(std::move(member));
    return found;
}

std::vector<Value> elements(const Value& array) {
    std::vector<Value> found;
    if (array.kind != Kind::Array) return found;
    Walk walk(array);
    for (Member element; walk.next(element);)
        found.push_back(element.value);
    return found;
}

std::optional<Value> member(const Value& object, std::string_view key) {
    for (const Member& one : members(object))
        if (one.key == key) return one.value;
    return {};
}

std::string string_of(const Value& string) {
    return string.kind == Kind::String ? decode(string.text) : std::string();
}

std::string compact(const Value& value) {
    std::string out;
    out.reserve(value.text.size());
    bool quoted = false;
    for (std::size_t i = 0; i < value.text.size(); ++i) {
        const char c = value.text[i];
        if (!quoted && is_space(c)) continue;
        out += c;
        if (c == '"') quoted = !quoted;
        if (quoted && c == '\\') out += value.text[++i];
    }
    return out;
}

std::string without_repeats(const Value& value) {
    return RepeatRemover(value.text).run();
}

static void append_control(std::string& out, unsigned char c) {
    static constexpr char kHex[] = "0123456789abcdef";
    static constexpr std::string_view kShort = "\b\t\n\f\r";
    static constexpr char kLetters[] = "btnfr";
    out += '\\';
    const std::size_t known = kShort.find(static_cast<char>(c));
    if (known != std::string_view::npos) {
        out += kLetters[known];
        return;
    }
    out += "u00";
    out += kHex[c >> 4];
    out += kHex[c & 15];
}

void append_string(std::string& out, std::string_view text) {
    out += '"';
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = at + text.size();
    while (at < end) {
        const unsigned char c = *at;
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
            ++at;
        } else if (c < 0x20) {
            append_control(out, c);
            ++at;
        } else {
            const std::size_t length = sequence_length(at, end);
            if (length == 0) {
                out += "\xEF\xBF\xBD";
                ++at;
                continue;
            }
            out.append(reinterpret_cast<const char*>(at), length);
            at += length;
        }
    }
    out += '"';
}

bool valid_utf8(std::string_view text) {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = at + text.size();
    while (at < end) {
        const std::size_t length = sequence_length(at, end);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

}  // namespace pgrest::json
