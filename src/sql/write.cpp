#include "sql/write.h"

#include "sql/field.h"
#include "sql/level.h"

namespace pgrest::sql {

namespace {

constexpr std::string_view kSource = "pgrst_source";

using plan::Write;
using plan::WriteKind;

bool inserts(const Write& write) {
    return write.kind == WriteKind::Insert || write.kind == WriteKind::Put;
}

// The relation as the level that conditions and RETURNING of the write refer to. Beside an INSERT stand the rows that
// ON CONFLICT calls EXCLUDED.
plan::Level target_level(const Write& write) {
    plan::Level level;
    level.schema = write.relation->schema;
    level.name = write.relation->name;
    level.source = plan::Source::Relation;
    if (inserts(write) && level.name == "excluded") {
        level.source = plan::Source::Aliased;
        level.alias = "pgrst_target";
    }
    return level;
}

// The rows of the body, beside the written relation.
std::string body_name(const Write& write) {
    return name_beside("pgrst_body", write.relation->name);
}

void add_target(Text& out, const Write& write) {
    out.name(write.relation->schema, write.relation->name);
}

template <typename Add>
void add_columns(Text& out, const Write& write, Add add) {
    bool first = true;
    for (const catalog::Column* column : write.columns) {
        if (!first) out.add(", ");
        first = false;
        add(*column);
    }
}

void add_body_value(Text& out, const Write& write, const catalog::Column& column) {
    if (!column.from_json_function.empty()) out.add(column.from_json_function).add("(");
    out.name(body_name(write), column.name);
    if (!column.from_json_function.empty()) out.add(")");
}

// AS pgrst_body("a" integer, "b" text)
void add_record_definition(Text& out, const Write& write) {
    out.add(" AS ").name(body_name(write)).add("(");
    add_columns(out, write, [&](const catalog::Column& column) {
        out.name(column.name).add(" ").add(column.from_json_function.empty() ? column.type_name : "pg_catalog.json");
    });
    out.add(")");
}

// An object of the columns' defaults. A function takes at most a hundred arguments, so it is made of parts.
void add_defaults(Text& out, const Write& write) {
    constexpr int most_in_a_part = 50;
    int added = 0;
    out.add("pg_catalog.jsonb_build_object(");
    for (const catalog::Column* column : write.columns) {
        if (column->default_expression.empty() || column->generated_always) continue;
        if (added > 0)
            out.add(added % most_in_a_part == 0 ? ") OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object(" : ", ");
        ++added;
        out.value(column->name).add("::pg_catalog.text, ").add(column->default_expression);
    }
    out.add(")");
}

// Each object of the body laid over the defaults.
void add_body_with_defaults(Text& out, const Write& write) {
    out.add("(SELECT ");
    add_defaults(out, write);
    out.add(" OPERATOR(pg_catalog.||) ").name(kBodyElement).add(" AS pgrst_row FROM ").name(kBodyTable);
    out.add(") AS pgrst_rows, LATERAL pg_catalog.jsonb_to_record(pgrst_row)");
    add_record_definition(out, write);
}

void add_body(Text& out, const Write& write) {
    if (write.missing_default)
        add_body_with_defaults(out, write);
    else
        out.name(kBodyTable).add(" AS ").name(body_name(write));
}

// What the answer needs of a row.
void add_returned_columns(Text& out, const Write& write, const plan::Level& target) {
    bool first = true;
    if (write.returning.all) {
        add_qualifier(out, target);
        out.add(".*");
        first = false;
    }
    for (const std::string& name : write.returning.columns) {
        if (!first) out.add(", ");
        first = false;
        add_qualifier(out, target);
        out.add(".").name(name);
    }
    if (first) out.add("1");
}

void add_returning(Text& out, const Write& write, const plan::Level& target) {
    out.add(" RETURNING ");
    add_returned_columns(out, write, target);
}

// Counts proposed rows up and updated rows down; what is left above zero was inserted.
void add_inserted_counter(Text& out, const char* step) {
    const std::string count = std::string("pg_catalog.current_setting('") + kInsertedSetting + "', true)";
    out.add("pg_catalog.set_config('").add(kInsertedSetting).add("', (CASE WHEN ").add(count);
    out.add(" OPERATOR(pg_catalog.<>) '' THEN ").add(count).add("::int ELSE 0 END OPERATOR(pg_catalog.");
    out.add(step).add(") 1)::pg_catalog.text, true) IS NOT NULL");
}

void add_conflict(Text& out, const Write& write) {
    if (!write.conflict) return;
    out.add(" ON CONFLICT (");
    bool first = true;
    for (const std::string& column : write.conflict->target) {
        if (!first) out.add(", ");
        first = false;
        out.name(column);
    }
    out.add(")");
    if (!write.conflict->merge || write.columns.empty()) {
        out.add(" DO NOTHING");
        return;
    }
    out.add(" DO UPDATE SET ");
    add_columns(out, write,
                [&](const catalog::Column& column) { out.name(column.name).add(" = EXCLUDED.").name(column.name); });
    out.add(" WHERE ");
    add_inserted_counter(out, "-");
}

void add_put_filters(Text& out, const Write& write, bool& first) {
    plan::Level body;
    body.source = plan::Source::Aliased;
    body.alias = body_name(write);
    for (const plan::Condition& condition : write.conditions) {
        out.add(first ? " WHERE " : " AND ");
        first = false;
        add_comparison(out, body, std::get<plan::Comparison>(condition.value));
    }
}

void add_insert(Text& out, const Write& write, std::string_view body, const plan::Level& target) {
    out.add("INSERT INTO ");
    add_target(out, write);
    if (target.source == plan::Source::Aliased) out.add(" AS ").name(target.alias);
    if (write.columns.empty() && write.kind == WriteKind::Insert) {
        if (write.form == api::Payload::Form::Object) {
            out.add(" DEFAULT VALUES");
        } else {
            out.add(" SELECT FROM pg_catalog.json_array_elements(").value(body).add(")");
        }
        add_conflict(out, write);
        add_returning(out, write, target);
        return;
    }
    if (!write.columns.empty()) {
        out.add("(");
        add_columns(out, write, [&](const catalog::Column& column) { out.name(column.name); });
        out.add(")");
    }
    out.add(" SELECT ");
    add_columns(out, write, [&](const catalog::Column& column) { add_body_value(out, write, column); });
    out.add(" FROM ");
    if (write.columns.empty())
        out.add("(SELECT) AS ").name(body_name(write));
    else
        add_body(out, write);
    bool first = true;
    if (write.kind == WriteKind::Put) add_put_filters(out, write, first);
    if (write.conflict && write.conflict->merge) {
        out.add(first ? " WHERE " : " AND ");
        add_inserted_counter(out, "+");
    }
    add_conflict(out, write);
    add_returning(out, write, target);
}

void no_null_test(Text& out, const plan::Level&, const plan::EmbedNullTest&) {
    out.add("TRUE");
}

void add_where(Text& out, const Write& write, const plan::Level& target) {
    bool first = true;
    for (const plan::Condition& condition : write.conditions) {
        out.add(first ? " WHERE " : " AND ");
        first = false;
        add_condition(out, target, condition, no_null_test);
    }
}

// Nothing to set: no row is touched, yet the answer has the shape that RETURNING would give it.
void add_no_update(Text& out, const Write& write, const plan::Level& target) {
    out.add("SELECT ");
    add_returned_columns(out, write, target);
    out.add(" FROM ");
    add_target(out, write);
    out.add(" WHERE false");
}

void add_update(Text& out, const Write& write, const plan::Level& target) {
    if (write.columns.empty()) {
        add_no_update(out, write, target);
        return;
    }
    out.add("UPDATE ");
    add_target(out, write);
    out.add(" SET ");
    add_columns(out, write, [&](const catalog::Column& column) {
        out.name(column.name).add(" = ");
        add_body_value(out, write, column);
    });
    out.add(" FROM (SELECT ").name(body_name(write)).add(".* FROM ");
    add_body(out, write);
    out.add(" LIMIT 1) AS ").name(body_name(write));
    add_where(out, write, target);
    add_returning(out, write, target);
}

void add_delete(Text& out, const Write& write, const plan::Level& target) {
    out.add("DELETE FROM ");
    add_target(out, write);
    add_where(out, write, target);
    add_returning(out, write, target);
}

void add_source(Text& out, const void* context) {
    out.name(kSource).add(" AS ").name(static_cast<const plan::Level*>(context)->alias);
}

}  // namespace

void add_write(Text& out, const Write& write, std::string_view body, const plan::Level& answered, WriteAnswer answer,
               const std::vector<std::string>& keys) {
    const plan::Level target = target_level(write);
    out.add("WITH ").name(kSource).add(" AS (");
    switch (write.kind) {
        case WriteKind::Insert:
        case WriteKind::Put:
            add_insert(out, write, body, target);
            break;
        case WriteKind::Update:
            add_update(out, write, target);
            break;
        case WriteKind::Delete:
            add_delete(out, write, target);
            break;
    }
    out.add(") ");
    if (answer == WriteAnswer::Rows) {
        add_select(out, answered, {add_source, &answered}, false);
        return;
    }
    out.add("SELECT ");
    if (answer == WriteAnswer::RowCount || keys.empty()) {
        out.add("1");
    } else {
        bool first = true;
        for (const std::string& key : keys) {
            if (!first) out.add(", ");
            first = false;
            out.name(key);
        }
    }
    out.add(" FROM ").name(kSource);
}

}  // namespace pgrest::sql
