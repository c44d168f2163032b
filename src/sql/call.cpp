#include "sql/call.h"

#include "sql/level.h"

namespace pgrest::sql {

namespace {

using plan::Call;
using plan::CallArgument;
using plan::CallStyle;

struct Context {
    Context(const Call& called, std::string_view given, const plan::Level& root)
        : call(called), body(given), level(root) {}

    const Call& call;
    std::string_view body;
    const plan::Level& level;
    // The function's rows, which are named after the function or their type, stand beside these.
    const std::string arguments = name_beside("pgrst_args", level.alias);
    const std::string document = name_beside("pgrst_document", level.alias);
    std::optional<std::size_t> binary;
};

void add_value(Text& out, const CallArgument& argument) {
    if (argument.parameter->variadic)
        out.list(argument.values);
    else if (argument.values.empty())
        out.null_value();
    else
        out.value(argument.values.back());
    out.add("::").add(argument.parameter->type_name);
}

void add_argument(Text& out, const Context& context, const CallArgument& argument) {
    if (argument.parameter->variadic) out.add("VARIADIC ");
    out.name(argument.parameter->name).add(" := ");
    if (context.call.style == CallStyle::Values)
        add_value(out, argument);
    else
        out.name(context.arguments, argument.parameter->name);
}

void add_invocation(Text& out, Context& context) {
    const Call& call = context.call;
    out.name(call.function.schema, call.function.name).add("(");
    if (call.style == CallStyle::WholeBody) {
        const catalog::Parameter& parameter = *call.arguments.front().parameter;
        if (parameter.shown_type == "bytea") context.binary = out.values().size();
        out.value(context.body).add("::").add(parameter.type_name);
    } else {
        bool first = true;
        for (const CallArgument& argument : call.arguments) {
            if (!first) out.add(", ");
            first = false;
            add_argument(out, context, argument);
        }
    }
    out.add(")");
}

// The document and its fields as rows to call the function with; whether there is one.
bool add_document(Text& out, const Context& context) {
    const Call& call = context.call;
    if (call.style != CallStyle::JsonObject && call.style != CallStyle::JsonArray) return false;
    out.add("(SELECT ").value(context.body).add("::pg_catalog.json AS pgrst_json) AS ").name(context.document);
    out.add(", LATERAL (SELECT * FROM ");
    out.add(call.style == CallStyle::JsonObject ? "pg_catalog.json_to_record(" : "pg_catalog.json_to_recordset(");
    out.name(context.document, "pgrst_json").add(") AS _(");
    bool first = true;
    for (const CallArgument& argument : call.arguments) {
        if (!first) out.add(", ");
        first = false;
        out.name(argument.parameter->name).add(" ").add(argument.parameter->type_name);
    }
    out.add(") LIMIT 1) AS ").name(context.arguments);
    return true;
}

void add_rows(Text& out, Context& context) {
    const bool document = add_document(out, context);
    if (context.call.function.composite) {
        if (document) out.add(", LATERAL ");
        add_invocation(out, context);
        out.add(" AS ").name(context.level.alias);
        return;
    }
    // a result that is no row becomes a row of one column, evaluated once
    if (document) out.add(", LATERAL ");
    out.add("(SELECT ");
    add_invocation(out, context);
    out.add(" AS ").add(kScalarColumn).add(") AS ").name(context.level.alias);
}

void add_source(Text& out, const void* context) {
    add_rows(out, *const_cast<Context*>(static_cast<const Context*>(context)));
}

}  // namespace

std::optional<std::size_t> add_call(Text& out, const Call& call, std::string_view body, const plan::Level& level) {
    Context context(call, body, level);
    add_select(out, level, {add_source, &context});
    return context.binary;
}

}  // namespace pgrest::sql
