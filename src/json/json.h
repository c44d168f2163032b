// Reading JSON text without changing it: what a client sent as numbers, escapes and order stays as it is.
// (A parser that builds values would lose 24-digit integers, 1e400 and repeated members.) RFC 8259.
// Pure C++. Input is not trusted: depth is bounded, UTF-8 is verified.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgrest::json {

inline constexpr int kMaxDepth = 512;

enum class Kind { Object, Array, String, Number, True, False, Null };

struct Value {
    Kind kind = Kind::Null;
    std::string_view text;  // the value's own text, without white space around it
};

struct Member {
    std::string key;  // decoded; may hold U+0000
    Value value;
};

// The one value that the text holds, white space around it allowed. Nothing when the text is no JSON:
// trailing text, bad UTF-8, a byte-order mark, control characters in strings, lone surrogate escapes,
// nesting deeper than max_depth.
std::optional<Value> parse(std::string_view text, int max_depth = kMaxDepth);

// Members of an object / elements of an array that parse() has accepted, in the order of the text,
// repeated ones included. Empty for values of another kind.
std::vector<Member> members(const Value& object);
std::vector<Value> elements(const Value& array);

// The same one by one, so that a text of many small values takes no memory beside it.
class Walk {
public:
    explicit Walk(const Value& object_or_array);
    // The next one; false at the end. The key is empty in an array.
    bool next(Member& member);
    // The same with the key's own text, its quotes and escapes included.
    bool next(std::string_view& key_text, Value& value);

private:
    bool is_object_;
    std::string_view rest_;  // from the next member on
};

// The first member of that name.
std::optional<Value> member(const Value& object, std::string_view key);

// The decoded text of a string value (UTF-8); may hold U+0000.
std::string string_of(const Value& string);

// The value's text without white space between its tokens.
std::string compact(const Value& value);

// The value's text where every object, at any depth, has only the first of its members of one name.
std::string without_repeats(const Value& value);

// Appends text as a JSON string with its quotes. Invalid UTF-8 is replaced by U+FFFD.
void append_string(std::string& out, std::string_view text);

// Is the whole text well-formed UTF-8 (no surrogates, no overlong forms)?
bool valid_utf8(std::string_view text);

}  // namespace pgrest::json
