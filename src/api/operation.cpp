#include "api/operation.h"

#include <algorithm>

#include "api/names.h"
#include "api/parse.h"

namespace pgrest::api {

namespace {

struct Word {
    std::string_view text;
    Operator op;
    bool quantifiable;
};

constexpr Word kWords[] = {
    {"eq", Operator::Eq, true},
    {"neq", Operator::Neq, false},
    {"gte", Operator::Gte, true},
    {"gt", Operator::Gt, true},
    {"lte", Operator::Lte, true},
    {"lt", Operator::Lt, true},
    {"like", Operator::Like, true},
    {"ilike", Operator::Ilike, true},
    {"match", Operator::Match, true},
    {"imatch", Operator::Imatch, true},
    {"isdistinct", Operator::IsDistinct, false},
    {"cs", Operator::Cs, false},
    {"cd", Operator::Cd, false},
    {"ov", Operator::Ov, false},
    {"sl", Operator::Sl, false},
    {"sr", Operator::Sr, false},
    {"nxr", Operator::Nxr, false},
    {"nxl", Operator::Nxl, false},
    {"adj", Operator::Adj, false},
    {"fts", Operator::Fts, false},
    {"plfts", Operator::Plfts, false},
    {"phfts", Operator::Phfts, false},
    {"wfts", Operator::Wfts, false},
    {"in", Operator::In, false},
    {"is", Operator::Is, false},
};

bool is_full_text(Operator op) {
    return op == Operator::Fts || op == Operator::Plfts || op == Operator::Phfts || op == Operator::Wfts;
}

const Word* take_word(Cursor& cursor) {
    std::size_t length = 0;
    const std::string_view rest = cursor.rest();
    while (length < rest.size() && rest[length] >= 'a' && rest[length] <= 'z')
        ++length;
    const std::string_view text = rest.substr(0, length);
    const auto* const found =
        std::find_if(std::begin(kWords), std::end(kWords), [&](const Word& word) { return word.text == text; });
    if (found == std::end(kWords)) return nullptr;
    cursor.advance(length);
    return found;
}

// (any), (all), or the language of a full-text search; false when the brackets hold anything else.
bool take_modifier(Cursor& cursor, const Word& word, Operation& operation) {
    if (cursor.peek() != '(') return true;
    if (word.quantifiable) {
        if (cursor.take("(any)"))
            operation.quantifier = Quantifier::Any;
        else if (cursor.take("(all)"))
            operation.quantifier = Quantifier::All;
        else
            return false;
        return true;
    }
    if (!is_full_text(word.op)) return false;
    cursor.advance();
    const std::size_t start = cursor.position();
    while (!cursor.at_end() && cursor.peek() != ')')
        cursor.advance();
    std::string_view language = cursor.between(start, cursor.position());
    while (!language.empty() && language.front() == ' ')
        language.remove_prefix(1);
    while (!language.empty() && language.back() == ' ')
        language.remove_suffix(1);
    constexpr std::string_view kForbidden = "().,:;\"'\\/";
    if (language.empty() || language.find_first_of(kForbidden) != std::string_view::npos) return false;
    operation.language = std::string(language);
    return cursor.take(')');
}

bool ends_value(const Cursor& cursor) {
    return cursor.at_end() || cursor.peek() == ',' || cursor.peek() == ')';
}

// A value inside a logic tree.
std::string take_tree_value(Cursor& cursor) {
    if (cursor.peek() == '"') {
        Cursor probe = cursor;
        auto quoted = take_quoted(probe);
        if (quoted && ends_value(probe)) {
            cursor.go_to(probe.position());
            return std::move(*quoted);
        }
    }
    if (cursor.peek() == '{') {
        const std::string_view rest = cursor.rest();
        const std::size_t close = rest.find_first_of("{}", 1);
        if (close != std::string_view::npos && rest[close] == '}') {
            Cursor probe = cursor;
            probe.advance(close + 1);
            if (ends_value(probe)) {
                std::string value(rest.substr(0, close + 1));
                cursor.go_to(probe.position());
                return value;
            }
        }
    }
    const std::size_t start = cursor.position();
    while (!ends_value(cursor))
        cursor.advance();
    return std::string(cursor.between(start, cursor.position()));
}

std::string take_element(Cursor& cursor) {
    if (cursor.peek() == '"') {
        Cursor probe = cursor;
        auto quoted = take_quoted(probe);
        if (quoted && !probe.at_end() && ends_value(probe)) {
            cursor.go_to(probe.position());
            return std::move(*quoted);
        }
    }
    const std::size_t start = cursor.position();
    while (!ends_value(cursor))
        cursor.advance();
    return std::string(cursor.between(start, cursor.position()));
}

std::vector<std::string> take_list(Cursor& cursor) {
    if (!cursor.take('(')) cursor.fail("a list in brackets, such as (1,2)");
    while (cursor.take(' ')) {
    }
    std::vector<std::string> list;
    while (true) {
        list.push_back(cut_at_nul(take_element(cursor)));
        if (cursor.take(')')) break;
        if (!cursor.take(',')) cursor.fail("a comma or a closing bracket");
    }
    if (list.size() == 1 && list.front().empty()) list.clear();
    return list;
}

IsWord take_is_word(Cursor& cursor) {
    struct Named {
        std::string_view text;
        IsWord word;
    };
    constexpr Named kNamed[] = {{"null", IsWord::Null},
                                {"not_null", IsWord::NotNull},
                                {"true", IsWord::True},
                                {"false", IsWord::False},
                                {"unknown", IsWord::Unknown}};
    const std::string_view rest = cursor.rest();
    for (const Named& named : kNamed) {
        if (rest.size() < named.text.size()) continue;
        const bool same = std::equal(named.text.begin(), named.text.end(), rest.begin(), [](char wanted, char given) {
            return wanted == (given >= 'A' && given <= 'Z' ? given + ('a' - 'A') : given);
        });
        if (!same) continue;
        cursor.advance(named.text.size());
        return named.word;
    }
    cursor.fail("null, not_null, true, false or unknown");
}

}  // namespace

std::optional<Operation> take_operation(Cursor& cursor, bool in_tree) {
    const std::size_t start = cursor.position();
    const auto none = [&]() -> std::optional<Operation> {
        cursor.go_to(start);
        return {};
    };
    Operation operation;
    operation.negated = cursor.take("not.");
    const Word* const word = take_word(cursor);
    if (!word || !take_modifier(cursor, *word, operation) || !cursor.take('.')) return none();
    operation.op = word->op;
    if (word->op == Operator::In) {
        operation.list = take_list(cursor);
        return operation;
    }
    if (word->op == Operator::Is) {
        operation.is = take_is_word(cursor);
        return operation;
    }
    if (in_tree) {
        operation.value = take_tree_value(cursor);
    } else {
        operation.value = std::string(cursor.rest());
        cursor.advance(operation.value.size());
    }
    operation.value = cut_at_nul(std::move(operation.value));
    if (word->op == Operator::Like || word->op == Operator::Ilike)
        std::replace(operation.value.begin(), operation.value.end(), '*', '%');
    return operation;
}

std::optional<Operation> parse_operation(std::string_view text) {
    Cursor cursor(text, "filter");
    auto operation = take_operation(cursor, false);
    if (!operation && text.substr(0, 4) == "not.") cursor.fail("an operator after not.");
    return operation;
}

}  // namespace pgrest::api
