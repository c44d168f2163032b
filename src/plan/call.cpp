#include "plan/call.h"

#include <algorithm>
#include <set>

#include "http/error.h"
#include "json/json.h"

namespace pgrest::plan {

namespace {

using catalog::Function;
using catalog::Parameter;

// No function of PostgreSQL has so many parameters (FUNC_MAX_ARGS, usually 100). A body can bring millions of names.
constexpr std::size_t enough_names = 1000;

// All of them, or enough that none fits.
std::set<std::string> argument_names(const Arguments& arguments) {
    std::set<std::string> names;
    for (const std::string& name : arguments.json_names) {
        names.insert(name);
        if (names.size() > enough_names) return names;
    }
    for (const auto& argument : arguments.values) {
        names.insert(argument.first);
        if (names.size() > enough_names) return names;
    }
    return names;
}

const Parameter* find_parameter(const Function& function, const std::string& name) {
    for (const Parameter& parameter : function.parameters)
        if (parameter.name == name) return &parameter;
    return nullptr;
}

bool has_single_unnamed_parameter(const Function& function) {
    return function.parameters.size() == 1 && function.parameters.front().name.empty();
}

// {"": ...}: the empty name is the name of an unnamed parameter, which takes the whole body.
bool names_unnamed_parameter(const Function& function, const std::set<std::string>& names, const Arguments& arguments) {
    return arguments.from_json && arguments.body_kind == api::MediaKind::Json && names.size() == 1 &&
           names.begin()->empty() && has_single_unnamed_parameter(function);
}

bool matches_names(const Function& function, const std::set<std::string>& names, const Arguments& arguments) {
    if (function.parameters.empty()) return names.empty() && !arguments.raw;
    if (names_unnamed_parameter(function, names, arguments)) return true;
    for (const Parameter& parameter : function.parameters)
        if (parameter.required && !names.count(parameter.name)) return false;
    for (const std::string& name : names)
        if (name.empty() || !find_parameter(function, name)) return false;
    // a lone unnamed parameter without default was refused above; with one it is left to its default
    return true;
}

bool takes_body(const std::string& type, api::MediaKind kind) {
    switch (kind) {
        case api::MediaKind::Json:
            return type == "json" || type == "jsonb";
        case api::MediaKind::Text:
            return type == "text";
        case api::MediaKind::Xml:
            return type == "xml";
        case api::MediaKind::Binary:
            return type == "bytea";
        default:
            return false;
    }
}

bool matches_body(const Function& function, const Arguments& arguments) {
    return arguments.post && has_single_unnamed_parameter(function) &&
           takes_body(function.parameters.front().shown_type, arguments.body_kind);
}

// As much of them as an error can show.
std::string join(const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        if (text.size() > http::longest_text) break;
        text += (text.empty() ? "" : ", ") + http::cut(name);
    }
    return text;
}

const char* body_parameter_type(api::MediaKind kind) {
    switch (kind) {
        case api::MediaKind::Text:
            return "text";
        case api::MediaKind::Xml:
            return "xml";
        case api::MediaKind::Binary:
            return "bytea";
        default:
            return "json or jsonb";
    }
}

std::string signature(const Function& function) {
    std::set<std::string> names;
    for (const Parameter& parameter : function.parameters)
        names.insert(parameter.name);
    return function.name + "(" + join(names) + ")";
}

// Is there any way to call it with this method?
bool can_be_called(const Function& function, const Arguments& arguments) {
    return arguments.post || !has_single_unnamed_parameter(function) || !function.parameters.front().required;
}

std::string hint_at(const std::string& schema, const std::string& what) {
    return "Perhaps you meant to call the function " + schema + "." + what + ".";
}

std::optional<std::string> hint_at_name(catalog::Catalog& catalog, const std::string& schema, const std::string& name,
                                        const Arguments& arguments) {
    constexpr int most_attempts = 5;
    std::vector<std::string> names = catalog.function_names(schema);
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const auto similar = api::most_similar(name, names, 0.75);
        if (!similar) return {};
        const std::vector<Function> functions = catalog.functions(schema, *similar);
        if (std::any_of(functions.begin(), functions.end(),
                        [&](const Function& function) { return can_be_called(function, arguments); }))
            return hint_at(schema, *similar);
        std::erase(names, *similar);
    }
    return {};
}

std::optional<std::string> hint_for_missing(catalog::Catalog& catalog, const std::string& schema,
                                            const std::string& name, const std::set<std::string>& names,
                                            const std::vector<Function>& candidates, const Arguments& arguments) {
    constexpr std::size_t most_signatures = 100;
    if (arguments.raw) return {};
    if (candidates.empty()) return hint_at_name(catalog, schema, name, arguments);
    std::vector<std::string> signatures;
    for (const Function& function : candidates)
        if (can_be_called(function, arguments) && signatures.size() < most_signatures)
            signatures.push_back(signature(function));
    const auto similar = api::most_similar(name + "(" + join(names) + ")", signatures, 0.33);
    return similar ? std::optional(hint_at(schema, *similar)) : std::nullopt;
}

[[noreturn]] void fail_missing(catalog::Catalog& catalog, const std::string& schema, const std::string& name,
                               const std::set<std::string>& names, const std::vector<Function>& candidates,
                               const Arguments& arguments) {
    const std::string called = schema + "." + name;
    std::string message = "There is no function " + called;
    std::string details = "Looked for the function " + called;
    if (arguments.raw) {
        details +=
            std::string(" with a single unnamed parameter of type ") + body_parameter_type(arguments.body_kind) + ".";
    } else if (names.empty()) {
        message += " that can be called without arguments";
        details += " without parameters";
    } else {
        message += " with the parameters (" + join(names) + ")";
        details += names.size() == 1 ? " with the parameter " : " with the parameters ";
        details += join(names);
    }
    if (!arguments.raw) {
        if (arguments.post && arguments.body_kind == api::MediaKind::Json)
            details += ", or with a single unnamed parameter of type json or jsonb";
        details += ".";
    }
    http::fail("PGRST202", message, details, hint_for_missing(catalog, schema, name, names, candidates, arguments));
}

[[noreturn]] void fail_ambiguous(const std::vector<const Function*>& found) {
    std::string candidates;
    for (const Function* function : found) {
        candidates += (candidates.empty() ? "" : ", ") + function->schema + "." + function->name + "(";
        for (std::size_t i = 0; i < function->parameters.size(); ++i)
            candidates += (i ? ", " : "") + function->parameters[i].name + " => " + function->parameters[i].shown_type;
        candidates += ")";
    }
    http::fail("PGRST203", "Several functions fit this call: " + candidates, {},
               "Give the functions or their parameters different names, so that the names of the arguments decide.");
}

std::vector<std::string> values_of(const Arguments& arguments, const Parameter& parameter) {
    std::vector<std::string> values;
    for (const auto& [name, value] : arguments.values) {
        if (name != parameter.name) continue;
        if (!parameter.variadic) values.clear();  // the last one wins
        values.push_back(value);
    }
    return values;
}

Call make_call(const Function& function, const Arguments& arguments, const api::Payload* payload, bool whole_body) {
    Call call{function, CallStyle::NoArguments, {}};
    if (whole_body) {
        call.style = CallStyle::WholeBody;
        call.arguments.push_back({&call.function.parameters.front(), {}});
        return call;
    }
    const std::set<std::string> names = argument_names(arguments);
    if (names.empty()) return call;
    call.style = CallStyle::Values;
    if (arguments.from_json)
        call.style = payload && payload->form == api::Payload::Form::Array && payload->arguments.empty()
                         ? CallStyle::JsonArray
                         : CallStyle::JsonObject;
    for (const Parameter& parameter : call.function.parameters)
        if (names.count(parameter.name)) call.arguments.push_back({&parameter, values_of(arguments, parameter)});
    return call;
}

// Types as pg_type.dat numbers them, which has no domains below that.
constexpr catalog::Oid kJson = 114;
constexpr catalog::Oid kJsonb = 3802;
constexpr catalog::Oid kText = 25;
constexpr catalog::Oid kVarchar = 1043;
constexpr catalog::Oid kFirstUnsure = 10000;

bool is_json(const Parameter& parameter) {
    return parameter.type == kJson || parameter.type == kJsonb;
}

bool is_as_its_text(const Parameter& parameter, const json::Value& value) {
    if (parameter.type == 0 || parameter.type >= kFirstUnsure || parameter.variadic) return false;
    const bool nested = value.kind == json::Kind::Object || value.kind == json::Kind::Array;
    return !nested || is_json(parameter) || parameter.type == kText || parameter.type == kVarchar;
}

std::vector<std::string> text_of(const Parameter& parameter, const json::Value& value) {
    if (value.kind == json::Kind::Null) return {};
    if (value.kind == json::Kind::String && !is_json(parameter)) return {json::string_of(value)};
    return {std::string(value.text)};
}

}  // namespace

Call plan_call(catalog::Catalog& catalog, const std::string& schema, const std::string& name,
               const Arguments& arguments, const api::Payload* payload) {
    const std::vector<Function> candidates = catalog.functions(schema, name);
    const std::set<std::string> names = argument_names(arguments);
    std::vector<const Function*> found;
    for (const Function& function : candidates)
        if (matches_names(function, names, arguments)) found.push_back(&function);
    bool whole_body = found.size() == 1 && names_unnamed_parameter(*found.front(), names, arguments);
    if (found.empty()) {
        for (const Function& function : candidates)
            if (matches_body(function, arguments)) found.push_back(&function);
        whole_body = true;
    }
    if (found.empty()) fail_missing(catalog, schema, name, names, candidates, arguments);
    if (found.size() > 1) fail_ambiguous(found);
    return make_call(*found.front(), arguments, payload, whole_body);
}

void take_large_values(Call& call, std::string_view document) {
    constexpr std::size_t large = 64 * 1024;
    if (call.style != CallStyle::JsonObject || document.size() < large) return;
    std::vector<std::vector<std::string>> values(call.arguments.size());
    json::Walk walk({json::Kind::Object, document.substr(document.find('{'))});
    for (json::Member member; walk.next(member);) {
        const auto argument = std::find_if(call.arguments.begin(), call.arguments.end(),
                                           [&](const CallArgument& one) { return one.parameter->name == member.key; });
        if (argument == call.arguments.end()) continue;
        if (!is_as_its_text(*argument->parameter, member.value)) return;
        values[argument - call.arguments.begin()] = text_of(*argument->parameter, member.value);
    }
    for (std::size_t i = 0; i < values.size(); ++i)
        call.arguments[i].values = std::move(values[i]);
    call.style = CallStyle::Values;
}

}  // namespace pgrest::plan
