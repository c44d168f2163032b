#include "api/cursor.h"
#include "api/names.h"
#include "api/operation.h"
#include "api/parse.h"

namespace pgrest::api {

namespace {

constexpr int kMaxDepth = 64;
constexpr int kMaxNodes = 10000;

class TreeParser {
public:
    explicit TreeParser(std::string_view text, bool any) : cursor_(text, any ? "or" : "and") {}

    LogicTree parse(bool negated, bool any) {
        LogicTree tree{negated, any, {}};
        cursor_.skip_blanks();
        fill(tree, 0);
        return tree;
    }

private:
    void fill(LogicTree& tree, int depth) {
        if (depth > kMaxDepth) cursor_.fail("fewer brackets inside each other");
        if (!cursor_.take('(')) cursor_.fail("an opening bracket");
        while (true) {
            if (++nodes_ > kMaxNodes) cursor_.fail("fewer conditions");
            cursor_.skip_blanks();
            tree.nodes.push_back(node(depth));
            cursor_.skip_blanks();
            if (cursor_.take(')')) return;
            if (!cursor_.take(',')) cursor_.fail("a comma or a closing bracket");
        }
    }

    LogicNode node(int depth) {
        if (auto filter = condition()) return {std::move(*filter)};
        LogicTree tree;
        tree.negated = cursor_.take("not.");
        if (cursor_.take("and"))
            tree.any = false;
        else if (cursor_.take("or"))
            tree.any = true;
        else
            cursor_.fail("a condition such as id.eq.1, or and(...), or(...)");
        cursor_.skip_blanks();
        fill(tree, depth + 1);
        return {std::move(tree)};
    }

    std::optional<Filter> condition() {
        const std::size_t start = cursor_.position();
        auto name = take_name(cursor_);
        if (!name) return {};
        Filter filter;
        filter.field.name = std::move(*name);
        filter.field.path = take_path(cursor_);
        cursor_.skip_blanks();
        std::optional<Operation> operation;
        if (cursor_.take('.')) operation = take_operation(cursor_, true);
        if (!operation) {
            cursor_.go_to(start);
            return {};
        }
        filter.operation = std::move(*operation);
        return filter;
    }

    Cursor cursor_;
    int nodes_ = 0;
};

}  // namespace

LogicTree parse_logic_tree(std::string_view text, bool negated, bool any) {
    return TreeParser(text, any).parse(negated, any);
}

}  // namespace pgrest::api
