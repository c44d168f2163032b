// What SQL text made from requests must look like: a closed list of words, quoted identifiers, numbered placeholders,
// and nothing that could end the statement or hide a part of it.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "check.h"

namespace pgrest::fuzz {

class SqlText {
public:
    // closed: every word must be one of ours; otherwise the words of casts are taken too.
    SqlText(std::string_view text, bool closed) : text_(text), closed_(closed) {}

    // The number of placeholders.
    std::size_t check() {
        while (at_ < text_.size())
            token();
        require(depth_ == 0, "brackets are balanced");
        return placeholders_;
    }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }
    static bool begins_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

    void token() {
        const char c = peek();
        if (c == '"') return identifier();
        if (c == '\'') return constant();
        if (c == '$') return placeholder();
        if (is_digit(c)) return number();
        if (begins_word(c)) return word();
        ++at_;
        if (c == '(') ++depth_;
        if (c == ')') require(depth_-- > 0, "brackets are balanced");
        require(std::string_view(" ().,:=<>*+-|&@~[]").find(c) != std::string_view::npos && c != '\0',
                "SQL has no other characters");
        require(c != '-' || peek() != '-', "SQL has no comments");
    }

    void identifier() {
        ++at_;
        while (true) {
            require(at_ < text_.size() && peek() != '\0', "a quoted identifier ends");
            if (text_[at_++] != '"') continue;
            if (peek() != '"') return;
            ++at_;
        }
    }

    void constant() {
        const std::size_t end = text_.find('\'', at_ + 1);
        require(end != std::string_view::npos, "a constant ends");
        const std::string_view content = text_.substr(at_ + 1, end - at_ - 1);
        require(content.empty() || content == "[]" || content == "pgrst.inserted", "constants are ours");
        at_ = end + 1;
    }

    void placeholder() {
        ++at_;
        require(is_digit(peek()) && peek() != '0', "a placeholder has a number");
        std::size_t number = 0;
        for (; is_digit(peek()); ++at_)
            number = std::min(number * 10 + static_cast<std::size_t>(peek() - '0'), text_.size());
        require(number <= placeholders_ + 1, "placeholders stand in the order of their first use");
        placeholders_ = std::max(placeholders_, number);
    }

    void number() {
        const std::size_t start = at_;
        while (is_digit(peek()))
            ++at_;
        const std::string_view digits = text_.substr(start, at_ - start);
        require(!closed_ || digits.size() <= 4, "numbers are ours: 0, 1, and positions in the select list");
        require(peek() != '$', "no quoting begins behind a number");
    }

    void word() {
        static const std::set<std::string_view> kWords{"ALL",
                                                       "AND",
                                                       "ANY",
                                                       "AS",
                                                       "ASC",
                                                       "AVG",
                                                       "BY",
                                                       "CASE",
                                                       "CAST",
                                                       "COALESCE",
                                                       "CONFLICT",
                                                       "COUNT",
                                                       "DEFAULT",
                                                       "DELETE",
                                                       "DESC",
                                                       "DISTINCT",
                                                       "DO",
                                                       "ELSE",
                                                       "END",
                                                       "EXCLUDED",
                                                       "EXISTS",
                                                       "FALSE",
                                                       "FIRST",
                                                       "FROM",
                                                       "GROUP",
                                                       "ILIKE",
                                                       "INNER",
                                                       "INSERT",
                                                       "INTO",
                                                       "IS",
                                                       "JOIN",
                                                       "LAST",
                                                       "LATERAL",
                                                       "LEFT",
                                                       "LIKE",
                                                       "LIMIT",
                                                       "MAX",
                                                       "MIN",
                                                       "NOT",
                                                       "NOTHING",
                                                       "NULL",
                                                       "NULLIF",
                                                       "NULLS",
                                                       "OFFSET",
                                                       "ON",
                                                       "OPERATOR",
                                                       "OR",
                                                       "ORDER",
                                                       "RETURNING",
                                                       "SELECT",
                                                       "SET",
                                                       "SUM",
                                                       "THEN",
                                                       "TRUE",
                                                       "UNKNOWN",
                                                       "UPDATE",
                                                       "VALUES",
                                                       "VARIADIC",
                                                       "WHEN",
                                                       "WHERE",
                                                       "WITH",
                                                       "_",
                                                       "bytea",
                                                       "count",
                                                       "current_setting",
                                                       "false",
                                                       "int",
                                                       "integer",
                                                       "json",
                                                       "json_agg",
                                                       "json_array_elements",
                                                       "json_to_record",
                                                       "json_to_recordset",
                                                       "jsonb",
                                                       "jsonb_array_elements",
                                                       "jsonb_build_array",
                                                       "jsonb_build_object",
                                                       "jsonb_to_record",
                                                       "now",
                                                       "pgrst_counted",
                                                       "pgrst_element",
                                                       "pgrst_elements",
                                                       "pgrst_json",
                                                       "pgrst_row",
                                                       "pgrst_rows",
                                                       "pgrst_scalar",
                                                       "pg_catalog",
                                                       "phraseto_tsquery",
                                                       "plainto_tsquery",
                                                       "row_to_json",
                                                       "set_config",
                                                       "text",
                                                       "to_jsonb",
                                                       "to_tsquery",
                                                       "to_tsvector",
                                                       "true",
                                                       "tsvector",
                                                       "unnest",
                                                       "websearch_to_tsquery"};
        const std::size_t start = at_;
        while (begins_word(peek()) || is_digit(peek()) || peek() == '$')
            ++at_;
        require(!closed_ || kWords.count(text_.substr(start, at_ - start)) > 0, "words are ours");
        require(peek() != '\'', "no kind of constant with escapes");
    }

    std::string_view text_;
    bool closed_;
    std::size_t at_ = 0;
    std::size_t placeholders_ = 0;
    int depth_ = 0;
};

}  // namespace pgrest::fuzz
