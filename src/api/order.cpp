#include "api/cursor.h"
#include "api/names.h"
#include "api/parse.h"

namespace pgrest::api {

namespace {

OrderTerm term(Cursor& cursor) {
    OrderTerm term;
    cursor.skip_blanks();
    term.field = need_field(cursor);
    if (term.field.path.empty() && cursor.take('(')) {
        term.relation = std::move(term.field.name);
        cursor.skip_blanks();
        term.field = need_field(cursor);
        cursor.skip_blanks();
        if (!cursor.take(')')) cursor.fail("a closing bracket");
    }
    if (cursor.take(".asc"))
        term.direction = Direction::Asc;
    else if (cursor.take(".desc"))
        term.direction = Direction::Desc;
    if (cursor.take(".nullsfirst"))
        term.nulls = Nulls::First;
    else if (cursor.take(".nullslast"))
        term.nulls = Nulls::Last;
    return term;
}

}  // namespace

std::vector<OrderTerm> parse_order(std::string_view text) {
    Cursor cursor(text, "order");
    std::vector<OrderTerm> terms;
    while (true) {
        terms.push_back(term(cursor));
        if (!terms.back().direction && !terms.back().nulls) cursor.skip_blanks();
        if (cursor.at_end()) return terms;
        if (!cursor.take(',')) cursor.fail("asc, desc, nullsfirst, nullslast, a comma or the end");
    }
}

std::vector<std::string> parse_name_list(std::string_view text) {
    Cursor cursor(text, "columns");
    std::vector<std::string> names;
    while (true) {
        cursor.skip_blanks();
        names.push_back(need_name(cursor, "the name of a column"));
        cursor.skip_blanks();
        if (cursor.at_end()) return names;
        if (!cursor.take(',')) cursor.fail("a comma or the end");
    }
}

}  // namespace pgrest::api
