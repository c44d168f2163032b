#include "api/select.h"

#include "api/cursor.h"
#include "api/names.h"
#include "api/parse.h"

namespace pgrest::api {

namespace {

class SelectParser {
public:
    explicit SelectParser(std::string_view text) : cursor_(text, "select") {}

    std::vector<SelectItem> parse() {
        std::vector<SelectItem> items;
        skip();
        if (cursor_.at_end()) return items;
        while (true) {
            items.push_back(item(0));
            skip();
            if (cursor_.at_end()) return items;
            if (cursor_.take(',')) continue;
            // after an embed whatever follows is ignored, as it always was
            if (std::holds_alternative<SelectEmbed>(items.back().value)) return items;
            cursor_.fail("a comma or the end");
        }
    }

private:
    void skip() { cursor_.skip_blanks(); }

    std::vector<SelectItem> items_in_brackets(int depth) {
        if (depth > kMaxEmbedDepth) cursor_.fail("fewer embeds inside each other");
        std::vector<SelectItem> items;
        skip();
        if (cursor_.take(')')) return items;
        while (true) {
            items.push_back(item(depth));
            skip();
            if (cursor_.take(')')) return items;
            if (!cursor_.take(',')) cursor_.fail("a comma or a closing bracket");
        }
    }

    SelectItem item(int depth) {
        skip();
        if (cursor_.take("...")) {
            SelectEmbed embed;
            embed.spread = true;
            embed.target = need_name(cursor_, "the name of a relation");
            finish_embed(embed, depth);
            return {std::move(embed)};
        }
        if (cursor_.take('*')) {
            SelectColumn star;
            star.star = true;
            return {std::move(star)};
        }
        return column_or_embed(depth);
    }

    bool take_count() { return cursor_.take("count()"); }

    SelectItem count(std::optional<std::string> alias) {
        SelectColumn column;
        column.alias = std::move(alias);
        column.aggregate = Aggregate::Count;
        if (cursor_.take("::")) column.aggregate_cast = need_type(cursor_);
        return {std::move(column)};
    }

    SelectItem column_or_embed(int depth) {
        if (take_count()) return count({});
        std::optional<std::string> alias;
        std::string name = need_name(cursor_, "a column, an embed, or *");
        if (cursor_.peek() == ':' && cursor_.rest().substr(0, 2) != "::") {
            cursor_.advance();
            skip();
            alias = std::move(name);
            if (take_count()) return count(std::move(alias));
            name = need_name(cursor_, "a column or an embed");
        }
        skip();
        if (cursor_.peek() == '!' || cursor_.peek() == '(') {
            // always the aggregate, so that a table of that name does not change what a request means
            if (name == "count") cursor_.fail("count() with nothing in its brackets");
            SelectEmbed embed;
            embed.alias = std::move(alias);
            embed.target = std::move(name);
            finish_embed(embed, depth);
            return {std::move(embed)};
        }
        return column(std::move(alias), std::move(name));
    }

    SelectItem column(std::optional<std::string> alias, std::string name) {
        SelectColumn column;
        column.alias = std::move(alias);
        column.field.name = std::move(name);
        column.field.path = take_path(cursor_);
        if (cursor_.take("::")) column.cast = need_type(cursor_);
        if (cursor_.take('.')) {
            column.aggregate = aggregate();
            if (cursor_.take("::")) column.aggregate_cast = need_type(cursor_);
        }
        return {std::move(column)};
    }

    Aggregate aggregate() {
        if (cursor_.take("sum()")) return Aggregate::Sum;
        if (cursor_.take("avg()")) return Aggregate::Avg;
        if (cursor_.take("count()")) return Aggregate::Count;
        if (cursor_.take("max()")) return Aggregate::Max;
        if (cursor_.take("min()")) return Aggregate::Min;
        cursor_.fail("sum(), avg(), count(), max() or min()");
    }

    // What follows the target: hint and join in any order, then the items.
    void finish_embed(SelectEmbed& embed, int depth) {
        skip();
        bool joined = false;
        for (int i = 0; i < 2 && cursor_.take('!'); ++i) {
            if (cursor_.take("inner")) {
                if (!joined) embed.join = Join::Inner;
                joined = true;
            } else if (cursor_.take("left")) {
                joined = true;
            } else {
                std::string hint = need_name(cursor_, "inner, left or the name of a constraint or column");
                if (!embed.hint) embed.hint = std::move(hint);
            }
        }
        skip();
        if (!cursor_.take('(')) cursor_.fail("an opening bracket");
        embed.items = items_in_brackets(depth + 1);
    }

    Cursor cursor_;
};

}  // namespace

std::vector<SelectItem> parse_select(std::string_view text) {
    return SelectParser(text).parse();
}

}  // namespace pgrest::api
