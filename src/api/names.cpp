#include "api/names.h"

namespace pgrest::api {

namespace {

bool is_ascii_letter(unsigned c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(unsigned c) {
    return c >= '0' && c <= '9';
}

bool is_name_character(unsigned c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '$' || c == ' ';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

void skip_run(Cursor& cursor) {
    while (!cursor.at_end()) {
        const CodePoint next = code_point(cursor.rest());
        if (!is_name_character(next.value)) return;
        cursor.advance(next.length);
    }
}

bool run_begins(const Cursor& cursor, std::size_t offset) {
    const std::string_view rest = cursor.rest();
    return rest.size() > offset && is_name_character(code_point(rest.substr(offset)).value);
}

// A key of a JSON path: everything but ( ) - : . , > in runs joined by dashes.
std::optional<std::string> take_json_key(Cursor& cursor) {
    if (cursor.peek() == '"') return take_quoted(cursor);
    constexpr std::string_view kReserved = "()-:.,>";
    const std::size_t start = cursor.position();
    while (!cursor.at_end()) {
        if (kReserved.find(cursor.peek()) == std::string_view::npos) {
            cursor.advance();
            continue;
        }
        const std::string_view rest = cursor.rest();
        const bool joins = cursor.position() > start && rest[0] == '-' && rest.size() > 1 &&
                           kReserved.find(rest[1]) == std::string_view::npos;
        if (!joins) break;
        cursor.advance();
    }
    const std::string_view key = trimmed(cursor.between(start, cursor.position()));
    if (key.empty()) return {};
    return std::string(key);
}

// A whole number that is followed by another step, a cast, an operator, a comma, a bracket, or the end.
std::optional<std::string> take_index(Cursor& cursor) {
    const std::size_t start = cursor.position();
    cursor.take('-');
    const std::size_t digits = cursor.position();
    while (is_digit(static_cast<unsigned char>(cursor.peek())))
        cursor.advance();
    const bool any = cursor.position() > digits;
    const std::string_view rest = cursor.rest();
    const bool ends = rest.empty() || rest.substr(0, 2) == "->" || rest.substr(0, 2) == "::" || rest[0] == '.' ||
                      rest[0] == ',' || rest[0] == ')';
    if (any && ends) return std::string(cursor.between(start, cursor.position()));
    cursor.go_to(start);
    return {};
}

}  // namespace

CodePoint code_point(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = byte(0);
    if (first < 0x80) return {first, 1};
    if (first < 0xE0) return {((first & 0x1F) << 6) | (byte(1) & 0x3F), 2};
    if (first < 0xF0) return {((first & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F), 3};
    return {((first & 0x07) << 18) | ((byte(1) & 0x3F) << 12) | ((byte(2) & 0x3F) << 6) | (byte(3) & 0x3F), 4};
}

// Beyond ASCII everything is a letter but the blocks of punctuation, symbols and pictures: a short list of ranges
// instead of Unicode's table, at the price of a few rare marks that it takes for letters.
bool is_letter(unsigned c) {
    if (c < 0x80) return is_ascii_letter(c);
    if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
    if (c == 0xD7 || c == 0xF7) return false;
    struct Range {
        unsigned first, last;
    };
    constexpr Range kSymbols[] = {{0x2000, 0x206F},   {0x20A0, 0x20CF},   {0x2190, 0x2BFF}, {0x2E00, 0x2E7F},
                                  {0x3000, 0x3004},   {0x3008, 0x3020},   {0xD800, 0xF8FF}, {0xFE00, 0xFE6F},
                                  {0xFF00, 0xFF0F},   {0xFF1A, 0xFF20},   {0xFFE0, 0xFFFF}, {0x1D000, 0x1D3FF},
                                  {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF}};
    for (const Range& range : kSymbols)
        if (c >= range.first && c <= range.last) return false;
    return true;
}

std::string cut_at_nul(std::string text) {
    const std::size_t nul = text.find('\0');
    if (nul != std::string::npos) text.resize(nul);
    return text;
}

std::optional<std::string> take_quoted(Cursor& cursor) {
    const std::size_t start = cursor.position();
    cursor.advance();
    std::string text;
    while (!cursor.at_end()) {
        const char c = cursor.peek();
        cursor.advance();
        if (c == '"') return text;
        if (c != '\\') {
            text += c;
            continue;
        }
        if (cursor.at_end()) break;
        text += cursor.peek();
        cursor.advance();
    }
    cursor.go_to(start);
    return {};
}

std::optional<std::string> take_name(Cursor& cursor) {
    const std::size_t start = cursor.position();
    Cursor probe = cursor;
    probe.skip_blanks();
    const std::size_t after_blanks = probe.position();
    if (probe.peek() == '"') {
        auto quoted = take_quoted(probe);
        if (!quoted) return {};
        cursor.go_to(probe.position());
        return cut_at_nul(std::move(*quoted));
    }
    skip_run(cursor);
    while (cursor.position() > after_blanks && cursor.peek() == '-' && run_begins(cursor, 1)) {
        cursor.advance();
        skip_run(cursor);
    }
    const std::string_view name = trimmed(cursor.between(start, cursor.position()));
    if (name.empty()) {
        cursor.go_to(start);
        return {};
    }
    return std::string(name);
}

std::string need_name(Cursor& cursor, std::string_view expected) {
    auto name = take_name(cursor);
    if (!name) cursor.fail(expected);
    return std::move(*name);
}

// Each step is an operator around the ones before it; PostgreSQL's own limit is its stack.
constexpr std::size_t kMaxSteps = 100;

std::vector<JsonStep> take_path(Cursor& cursor) {
    std::vector<JsonStep> path;
    while (cursor.rest().substr(0, 2) == "->") {
        if (path.size() == kMaxSteps) cursor.fail("fewer steps of the JSON path");
        JsonStep step;
        cursor.advance(2);
        step.as_text = cursor.take('>');
        if (auto index = take_index(cursor)) {
            step.is_index = true;
            step.key = std::move(*index);
        } else {
            auto key = take_json_key(cursor);
            if (!key) cursor.fail("a key or an index of the JSON path");
            step.key = cut_at_nul(std::move(*key));
        }
        path.push_back(std::move(step));
    }
    return path;
}

Field need_field(Cursor& cursor) {
    Field field;
    field.name = need_name(cursor, "the name of a column");
    field.path = take_path(cursor);
    return field;
}

std::string need_type(Cursor& cursor) {
    const std::size_t start = cursor.position();
    bool in_word = false;
    while (!cursor.at_end()) {
        const CodePoint c = code_point(cursor.rest());
        // PostgreSQL judges the words; only characters that could be more than a name are kept out. A dollar outside
        // a word would begin a constant ($$, $tag$) that swallows what follows.
        const bool begins_word = is_letter(c.value) || c.value == '_';
        if (!(begins_word || is_digit(c.value) || c.value == ' ' || (c.value == '$' && in_word))) break;
        in_word = c.value != ' ' && (in_word || begins_word);
        cursor.advance(c.length);
    }
    const std::string_view type = trimmed(cursor.between(start, cursor.position()));
    if (type.empty()) cursor.fail("the name of a type");
    return std::string(type);
}

}  // namespace pgrest::api
