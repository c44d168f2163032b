#include "exec/answer_rows.h"

namespace pgrest::exec {

RowFormat row_format_of(const answer::Representation& representation, bool head) {
    RowFormat format;
    format.strip_nulls = representation.strip_nulls;
    if (head) {
        format.form = RowForm::None;
        return format;
    }
    switch (representation.shape) {
        case answer::Shape::Object:
        case answer::Shape::StrippedObject:
            format.form = RowForm::JsonObject;
            break;
        case answer::Shape::Csv:
            format.form = RowForm::Csv;
            break;
        default:
            format.form = RowForm::JsonArray;
    }
    return format;
}

void add_warning(Draft& draft, const plan::Tree& tree) {
    if (tree.addressed_by_target.empty()) return;
    std::string names;
    for (const auto& [target, alias] : tree.addressed_by_target)
        names += (names.empty() ? "`" : ", `") + target + "` to `" + alias + "`";
    draft.headers.push_back(
        {"Warning",
         "299 pgrest \"An embed was addressed by the name of its relation although it has an alias, "
         "which is deprecated; change " +
             names + "\""});
}

}  // namespace pgrest::exec
