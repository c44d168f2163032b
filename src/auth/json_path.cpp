#include "auth/json_path.h"

#include <regex.h>

#include <algorithm>
#include <cstdlib>
#include <variant>

namespace pgrest::auth {

namespace {

constexpr long kMostWork = 4 * 1024 * 1024;     // bytes of JSON that one evaluation reads, again and again included
constexpr std::size_t kVisit = 160;             // a visited value counts as that many bytes
constexpr long kLargestIndex = (1L << 53) - 1;  // RFC 9535 section 2.1
constexpr int kDeepest = 64;                    // of nested expressions, and of nested segments
constexpr std::size_t kLongestSubject = 4096;   // of search()

// A compiled POSIX extended regular expression.
class Regex {
public:
    explicit Regex(const std::string& pattern)
        : valid_(regcomp(&regex_, pattern.c_str(), REG_EXTENDED | REG_NOSUB) == 0) {}
    ~Regex() {
        if (valid_) regfree(&regex_);
    }
    Regex(const Regex&) = delete;
    Regex& operator=(const Regex&) = delete;
    bool valid() const { return valid_; }
    bool matches(const std::string& text) const {
        return valid_ && text.size() <= kLongestSubject && regexec(&regex_, text.c_str(), 0, nullptr, 0) == 0;
    }

private:
    regex_t regex_{};
    bool valid_;
};

struct Query {
    bool from_root = false;
    std::vector<JsonPath::Segment> segments;
};

struct Literal {
    json::Kind kind = json::Kind::Null;
    std::string text;  // of a string decoded, of a number as written
};

using Operand = std::variant<Literal, Query>;

enum class Comparator { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual };

struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

struct Comparison {
    Operand left;
    Comparator comparator;
    Operand right;
};
struct Existence {
    Query query;
};
struct Search {
    Operand value;
    std::shared_ptr<const Regex> regex;
};
struct Not {
    ExpressionPtr inner;
};
struct Junction {
    bool any;
    std::vector<ExpressionPtr> operands;
};
struct Expression {
    std::variant<Comparison, Existence, Search, Not, Junction> value;
};

struct Name {
    std::string name;
};
struct Index {
    long index;
};
struct Slice {
    std::optional<long> start, end;
    long step = 1;
};
struct Wildcard {};
struct Filter {
    ExpressionPtr expression;
};
using Selector = std::variant<Name, Index, Slice, Wildcard, Filter>;

}  // namespace

struct JsonPath::Segment {
    bool descendant = false;
    std::vector<Selector> selectors;
};

namespace {

// ---- evaluation

using Values = std::vector<json::Value>;

struct Budget {
    long left = kMostWork;
    bool take(std::size_t bytes) {
        if (left > 0) left -= static_cast<long>(bytes);
        return left > 0;
    }
    bool visit() { return take(kVisit); }
    bool read(const json::Value& value) { return take(value.text.size()); }
};

// By ascending key, the first of a repeated one.
std::vector<json::Member> sorted_members(const json::Value& object) {
    auto members = json::members(object);
    const auto by_key = [](const json::Member& a, const json::Member& b) { return a.key < b.key; };
    const auto same_key = [](const json::Member& a, const json::Member& b) { return a.key == b.key; };
    std::stable_sort(members.begin(), members.end(), by_key);
    members.erase(std::unique(members.begin(), members.end(), same_key), members.end());
    return members;
}

// In order.
Values children_of(const json::Value& value) {
    if (value.kind == json::Kind::Array) return json::elements(value);
    Values found;
    for (const json::Member& member : sorted_members(value))
        found.push_back(member.value);
    return found;
}

class Evaluation {
public:
    Evaluation(const json::Value& root, Budget& budget) : root_(root), budget_(budget) {}

    Values select(const std::vector<JsonPath::Segment>& segments, const json::Value& from) {
        Values current{from};
        for (const JsonPath::Segment& segment : segments) {
            Values next;
            for (const json::Value& value : current) {
                if (segment.descendant)
                    descend(segment, value, next);
                else
                    apply(segment, value, next);
            }
            current = std::move(next);
            if (current.empty()) break;
        }
        return current;
    }

private:
    // Values are text, so every look into one reads it again.
    Values children(const json::Value& value) { return budget_.read(value) ? children_of(value) : Values(); }
    Values elements(const json::Value& array) { return budget_.read(array) ? json::elements(array) : Values(); }

    // A value's own matches stand before those of its children.
    void descend(const JsonPath::Segment& segment, const json::Value& value, Values& out) {
        if (!budget_.visit()) return;
        apply(segment, value, out);
        for (const json::Value& child : children(value))
            if (child.kind == json::Kind::Object || child.kind == json::Kind::Array) descend(segment, child, out);
    }

    void apply(const JsonPath::Segment& segment, const json::Value& value, Values& out) {
        for (const Selector& selector : segment.selectors) {
            if (!budget_.visit()) return;
            std::visit([&](const auto& one) { apply_selector(one, value, out); }, selector);
        }
    }

    void apply_selector(const Name& name, const json::Value& value, Values& out) {
        if (value.kind != json::Kind::Object || !budget_.read(value)) return;
        if (const auto found = json::member(value, name.name)) out.push_back(*found);
    }

    void apply_selector(const Index& index, const json::Value& value, Values& out) {
        if (value.kind != json::Kind::Array) return;
        const Values all = elements(value);
        const long size = static_cast<long>(all.size());
        const long at = index.index < 0 ? size + index.index : index.index;
        if (at >= 0 && at < size) out.push_back(all[static_cast<std::size_t>(at)]);
    }

    // RFC 9535 section 2.3.4.2.2
    void apply_selector(const Slice& slice, const json::Value& value, Values& out) {
        if (value.kind != json::Kind::Array || slice.step == 0) return;
        const Values all = elements(value);
        const long size = static_cast<long>(all.size());
        const auto normal = [&](long i) { return i >= 0 ? i : size + i; };
        if (slice.step > 0) {
            const long first = std::clamp(normal(slice.start.value_or(0)), 0L, size);
            const long end = std::clamp(slice.end ? normal(*slice.end) : size, 0L, size);
            for (long i = first; i < end && budget_.visit(); i += slice.step)
                out.push_back(all[static_cast<std::size_t>(i)]);
            return;
        }
        const long first = std::clamp(slice.start ? normal(*slice.start) : size - 1, -1L, size - 1);
        const long end = std::clamp(slice.end ? normal(*slice.end) : -1L, -1L, size - 1);
        for (long i = first; i > end && budget_.visit(); i += slice.step)
            out.push_back(all[static_cast<std::size_t>(i)]);
    }

    void apply_selector(const Wildcard&, const json::Value& value, Values& out) {
        for (json::Value& child : children(value))
            if (budget_.visit()) out.push_back(child);
    }

    void apply_selector(const Filter& filter, const json::Value& value, Values& out) {
        for (const json::Value& child : children(value))
            if (budget_.visit() && holds(*filter.expression, child)) out.push_back(child);
    }

    // ---- expressions

    bool holds(const Expression& expression, const json::Value& at) {
        return std::visit([&](const auto& one) { return test(one, at); }, expression.value);
    }

    bool test(const Existence& existence, const json::Value& at) { return !run(existence.query, at).empty(); }
    bool test(const Not& negation, const json::Value& at) { return !holds(*negation.inner, at); }
    bool test(const Junction& junction, const json::Value& at) {
        for (const ExpressionPtr& operand : junction.operands)
            if (holds(*operand, at) == junction.any) return junction.any;
        return !junction.any;
    }
    bool test(const Search& search, const json::Value& at) {
        const auto value = value_of(search.value, at);
        return value && value->kind == json::Kind::String && search.regex->matches(value->text);
    }
    bool test(const Comparison& comparison, const json::Value& at) {
        const auto left = value_of(comparison.left, at);
        const auto right = value_of(comparison.right, at);
        switch (comparison.comparator) {
            case Comparator::Equal:
                return equal(left, right);
            case Comparator::NotEqual:
                return !equal(left, right);
            case Comparator::Less:
                return less(left, right);
            case Comparator::LessOrEqual:
                return less(left, right) || equal(left, right);
            case Comparator::Greater:
                return less(right, left);
            case Comparator::GreaterOrEqual:
                return less(right, left) || equal(left, right);
        }
        return false;
    }

    Values run(const Query& query, const json::Value& at) {
        return select(query.segments, query.from_root ? root_ : at);
    }

    std::optional<Literal> value_of(const Operand& operand, const json::Value& at) {
        if (const auto* literal = std::get_if<Literal>(&operand)) return *literal;
        const Values found = run(std::get<Query>(operand), at);
        if (found.size() != 1 || !budget_.read(found.front())) return {};
        return literal_of(found.front());
    }

    static double number(const Literal& literal) { return std::strtod(literal.text.c_str(), nullptr); }

    bool equal(const std::optional<Literal>& a, const std::optional<Literal>& b) {
        if (!a || !b) return !a && !b;
        return equal_literals(*a, *b);
    }

    bool equal_literals(const Literal& a, const Literal& b) {
        if (a.kind != b.kind) return false;
        switch (a.kind) {
            case json::Kind::Number:
                return number(a) == number(b);
            case json::Kind::Array:
                return equal_arrays({a.kind, a.text}, {b.kind, b.text});
            case json::Kind::Object:
                return equal_objects({a.kind, a.text}, {b.kind, b.text});
            default:
                return a.text == b.text;
        }
    }

    bool equal_values(const json::Value& a, const json::Value& b) {
        return budget_.visit() && equal_literals(literal_of(a), literal_of(b));
    }

    bool equal_arrays(const json::Value& a, const json::Value& b) {
        const Values left = elements(a);
        const Values right = elements(b);
        return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                          [&](const json::Value& one, const json::Value& other) { return equal_values(one, other); });
    }

    bool equal_objects(const json::Value& a, const json::Value& b) {
        if (!budget_.read(a) || !budget_.read(b)) return false;
        const auto left = sorted_members(a);
        const auto right = sorted_members(b);
        return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                          [&](const json::Member& one, const json::Member& other) {
                              return one.key == other.key && equal_values(one.value, other.value);
                          });
    }

    static Literal literal_of(const json::Value& value) {
        return {value.kind, value.kind == json::Kind::String ? json::string_of(value) : std::string(value.text)};
    }

    static bool less(const std::optional<Literal>& a, const std::optional<Literal>& b) {
        if (!a || !b || a->kind != b->kind) return false;
        if (a->kind == json::Kind::Number) return number(*a) < number(*b);
        return a->kind == json::Kind::String && a->text < b->text;
    }

    const json::Value& root_;
    Budget& budget_;
};

}  // namespace

// ---- parsing

class JsonPathParser {
public:
    explicit JsonPathParser(std::string_view text) : text_(text) {}

    std::optional<JsonPath> parse() {
        if (!take('$')) return {};
        auto segments = parse_segments(0);
        if (!segments || at_ != text_.size()) return {};
        JsonPath path;
        path.segments_ = std::move(*segments);
        return path;
    }

private:
    using Segments = std::vector<JsonPath::Segment>;

    char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    bool take(char c) {
        if (peek() != c || at_ >= text_.size()) return false;
        ++at_;
        return true;
    }
    bool take(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }
    void skip() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')
            ++at_;
    }

    std::optional<Segments> parse_segments(int depth) {
        Segments segments;
        while (true) {
            const std::size_t before = at_;
            skip();
            if (peek() != '.' && peek() != '[') {
                at_ = before;
                return segments;
            }
            auto segment = parse_segment(depth);
            if (!segment) return {};
            segments.push_back(std::move(*segment));
        }
    }

    std::optional<JsonPath::Segment> parse_segment(int depth) {
        JsonPath::Segment segment;
        if (take("..")) {
            segment.descendant = true;
            if (peek() == '[') return brackets(std::move(segment), depth);
            return shorthand(std::move(segment));
        }
        if (take('.')) return shorthand(std::move(segment));
        return brackets(std::move(segment), depth);
    }

    std::optional<JsonPath::Segment> shorthand(JsonPath::Segment segment) {
        if (take('*')) {
            segment.selectors.emplace_back(Wildcard{});
            return segment;
        }
        const std::size_t start = at_;
        const auto is_first = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                   static_cast<unsigned char>(c) >= 0x80;
        };
        if (at_ >= text_.size() || !is_first(peek())) return {};
        while (at_ < text_.size() && (is_first(peek()) || (peek() >= '0' && peek() <= '9')))
            ++at_;
        segment.selectors.emplace_back(Name{std::string(text_.substr(start, at_ - start))});
        return segment;
    }

    std::optional<JsonPath::Segment> brackets(JsonPath::Segment segment, int depth) {
        if (depth > kDeepest || !take('[')) return {};
        while (true) {
            skip();
            if (!parse_selector(segment.selectors, depth)) return {};
            skip();
            if (take(']')) return segment;
            if (!take(',')) return {};
        }
    }

    bool parse_selector(std::vector<Selector>& selectors, int depth) {
        if (peek() == '\'' || peek() == '"') {
            auto name = parse_string();
            if (name) selectors.emplace_back(Name{std::move(*name)});
            return name.has_value();
        }
        if (take('*')) {
            selectors.emplace_back(Wildcard{});
            return true;
        }
        if (take('?')) {
            skip();
            auto expression = parse_or(depth + 1);
            if (!expression) return false;
            selectors.emplace_back(Filter{std::move(expression)});
            return true;
        }
        return index_or_slice(selectors);
    }

    std::optional<long> parse_integer() {
        const std::size_t start = at_;
        take('-');
        const std::size_t digits = at_;
        while (peek() >= '0' && peek() <= '9')
            ++at_;
        const std::string text(text_.substr(start, at_ - start));
        const std::size_t count = at_ - digits;
        const long value = count > 16 ? 0 : std::strtol(text.c_str(), nullptr, 10);
        if (count == 0 || count > 16 || (text_[digits] == '0' && count > 1) || text == "-0" ||
            std::labs(value) > kLargestIndex) {
            at_ = start;
            return {};
        }
        return value;
    }

    bool index_or_slice(std::vector<Selector>& selectors) {
        Slice slice;
        slice.start = parse_integer();
        skip();
        if (!take(':')) {
            if (!slice.start) return false;
            selectors.emplace_back(Index{*slice.start});
            return true;
        }
        skip();
        slice.end = parse_integer();
        skip();
        if (take(':')) {
            skip();
            slice.step = parse_integer().value_or(1);
        }
        selectors.emplace_back(slice);
        return true;
    }

    // 'text' or "text" with JSON's escapes; also \' inside single quotes.
    std::optional<std::string> parse_string() {
        const char quote = peek();
        std::string quoted = "\"";
        ++at_;
        while (at_ < text_.size() && peek() != quote) {
            if (peek() == '\\' && peek(1) == '\'' && quote == '\'') {
                quoted += '\'';
                at_ += 2;
                continue;
            }
            if (peek() == '\\') {
                quoted += text_[at_++];
                if (at_ >= text_.size()) return {};
            } else if (peek() == '"') {
                quoted += '\\';
            }
            quoted += text_[at_++];
        }
        if (!take(quote)) return {};
        const auto value = json::parse(quoted += '"');
        if (!value || value->kind != json::Kind::String) return {};
        return json::string_of(*value);
    }

    // ---- expressions

    ExpressionPtr parse_or(int depth) { return parse_junction(depth, true); }

    ExpressionPtr parse_junction(int depth, bool any) {
        if (depth > kDeepest) return nullptr;
        Junction junction{any, {}};
        while (true) {
            ExpressionPtr operand = any ? parse_junction(depth, false) : parse_basic(depth);
            if (!operand) return nullptr;
            junction.operands.push_back(std::move(operand));
            const std::size_t before = at_;
            skip();
            if (!take(any ? "||" : "&&")) {
                at_ = before;
                break;
            }
            skip();
        }
        if (junction.operands.size() == 1) return junction.operands.front();
        return std::make_shared<const Expression>(Expression{std::move(junction)});
    }

    ExpressionPtr parse_basic(int depth) {
        if (depth > kDeepest) return nullptr;
        skip();
        if (peek() == '!') return parse_negated(depth);
        if (take('(')) {
            ExpressionPtr inner = parse_or(depth + 1);
            skip();
            return inner && take(')') ? inner : nullptr;
        }
        if (take("search(")) return parse_search(depth);
        return parse_test(depth);
    }

    // What is negated is a test, or stands in parentheses (RFC 9535 section 2.3.5.1).
    ExpressionPtr parse_negated(int depth) {
        ++at_;
        skip();
        if (peek() == '!') return nullptr;
        const bool in_parentheses = peek() == '(';
        ExpressionPtr inner = parse_basic(depth + 1);
        if (!inner || (!in_parentheses && std::holds_alternative<Comparison>(inner->value))) return nullptr;
        return std::make_shared<const Expression>(Expression{Not{std::move(inner)}});
    }

    // What is compared is one value: its query has names and indexes only (RFC 9535 section 2.3.5.1).
    static bool is_single(const Operand& operand) {
        const auto* const query = std::get_if<Query>(&operand);
        return !query || std::all_of(query->segments.begin(), query->segments.end(), [](const auto& segment) {
            return !segment.descendant && segment.selectors.size() == 1 &&
                   (std::holds_alternative<Name>(segment.selectors.front()) ||
                    std::holds_alternative<Index>(segment.selectors.front()));
        });
    }

    ExpressionPtr parse_search(int depth) {
        skip();
        auto value = parse_operand(depth);
        skip();
        if (!value || !is_single(*value) || !take(',')) return nullptr;
        skip();
        if (peek() != '\'' && peek() != '"') return nullptr;
        const auto pattern = parse_string();
        skip();
        if (!pattern || !take(')')) return nullptr;
        auto regex = std::make_shared<const Regex>(*pattern);
        if (!regex->valid()) return nullptr;
        return std::make_shared<const Expression>(Expression{Search{std::move(*value), std::move(regex)}});
    }

    ExpressionPtr parse_test(int depth) {
        auto left = parse_operand(depth);
        if (!left) return nullptr;
        const std::size_t before = at_;
        skip();
        const auto comparator = parse_comparator();
        if (!comparator) {
            at_ = before;
            if (auto* query = std::get_if<Query>(&*left))
                return std::make_shared<const Expression>(Expression{Existence{std::move(*query)}});
            return nullptr;
        }
        skip();
        auto right = parse_operand(depth);
        if (!right || !is_single(*left) || !is_single(*right)) return nullptr;
        return std::make_shared<const Expression>(
            Expression{Comparison{std::move(*left), *comparator, std::move(*right)}});
    }

    std::optional<Comparator> parse_comparator() {
        if (take("==")) return Comparator::Equal;
        if (take("!=")) return Comparator::NotEqual;
        if (take("<=")) return Comparator::LessOrEqual;
        if (take(">=")) return Comparator::GreaterOrEqual;
        if (take('<')) return Comparator::Less;
        if (take('>')) return Comparator::Greater;
        return {};
    }

    std::optional<Operand> parse_operand(int depth) {
        if (peek() == '@' || peek() == '$') {
            Query query;
            query.from_root = peek() == '$';
            ++at_;
            auto segments = parse_segments(depth + 1);
            if (!segments) return {};
            query.segments = std::move(*segments);
            return query;
        }
        if (peek() == '\'' || peek() == '"') {
            auto text = parse_string();
            if (!text) return {};
            return Literal{json::Kind::String, std::move(*text)};
        }
        if (take("true")) return Literal{json::Kind::True, "true"};
        if (take("false")) return Literal{json::Kind::False, "false"};
        if (take("null")) return Literal{json::Kind::Null, "null"};
        const std::size_t start = at_;
        while (at_ < text_.size() &&
               (std::string_view("+-.eE").find(peek()) != std::string_view::npos || (peek() >= '0' && peek() <= '9')))
            ++at_;
        const auto number = json::parse(text_.substr(start, at_ - start));
        if (!number || number->kind != json::Kind::Number) return {};
        return Literal{json::Kind::Number, std::string(number->text)};
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

JsonPath::JsonPath() = default;
JsonPath::~JsonPath() = default;
JsonPath::JsonPath(JsonPath&&) noexcept = default;
JsonPath& JsonPath::operator=(JsonPath&&) noexcept = default;

std::optional<JsonPath> JsonPath::parse(std::string_view text) {
    return JsonPathParser(text).parse();
}

std::optional<json::Value> JsonPath::first(const json::Value& root) const {
    Budget budget;
    const Values found = Evaluation(root, budget).select(segments_, root);
    if (found.empty() || budget.left <= 0) return {};
    return found.front();
}

}  // namespace pgrest::auth
