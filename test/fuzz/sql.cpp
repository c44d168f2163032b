// From a request to SQL. The input is a request: METHOD TARGET, header lines, an empty line, the body. The text of the
// statements depends on no value that the request brings: with every value replaced by a marker it is the same text.
#include <functional>

#include "../unit/fake_catalog.h"
#include "check.h"
#include "http/admission.h"
#include "plan/call.h"
#include "plan/level_planner.h"
#include "plan/write.h"
#include "sql/call.h"
#include "sql/level.h"
#include "sql/write.h"
#include "sql_text.h"

using namespace pgrest;

namespace {

constexpr std::string_view kMarker = "zq7'\"\\;--$$x";

// ---- the database

catalog::Parameter parameter(const std::string& name, const std::string& type, bool required = true) {
    catalog::Parameter made;
    made.name = name;
    made.type_name = made.shown_type = type;
    made.required = required;
    return made;
}

void add_function(test::FakeCatalog& catalog, const std::string& name, std::vector<catalog::Parameter> parameters,
                  const std::string& row_type = {}) {
    catalog::Function made;
    made.schema = "api";
    made.name = name;
    made.parameters = std::move(parameters);
    made.composite = made.returns_set = !row_type.empty();
    made.row_type_schema = "api";
    made.row_type_relation = row_type;
    catalog.add_function(std::move(made));
}

void add_junction(test::FakeCatalog& catalog) {
    catalog::Relationship many;
    many.cardinality = catalog::Cardinality::ManyToMany;
    many.origin_schema = many.target_schema = "api";
    many.origin_name = "people";
    many.target_name = "places";
    many.junction = catalog::Junction{
        "api", "visits", "visits_person_id_fkey", "visits_place_id_fkey", {{"id", "person_id"}}, {{"id", "place_id"}}};
    catalog.add_relationship(many);
}

void add_computed(test::FakeCatalog& catalog) {
    catalog::Relationship computed;
    computed.cardinality = catalog::Cardinality::OneToMany;
    computed.origin_schema = computed.target_schema = "api";
    computed.origin_name = "places";
    computed.target_name = "people";
    computed.computed = catalog::ComputedRelationship{"api", "guests", true};
    catalog.add_relationship(computed);
}

test::FakeCatalog make_catalog() {
    test::FakeCatalog catalog;
    catalog::Relation& people = catalog.add_relation("people", {"id", "name", "data", "boss_id", "shade", "words"});
    people.columns[2].is_json = true;
    people.columns[4].to_json_function = people.columns[4].from_json_function = "\"api\".\"shade\"";
    people.columns[4].from_text_function = "\"api\".\"shade\"";
    people.columns[5].is_tsvector = true;
    people.columns[1].default_expression = "now()";
    catalog.add_relation("places", {"id", "name"});
    catalog.add_relation("visits", {"id", "person_id", "place_id", "day"});
    catalog.add_relation("o\"dd; --", {"i'd", "a\"b", "c.d"}, {"i'd"});
    catalog.add_relation("log", {"line"}, {});
    catalog.add_foreign_key("visits", "person_id", "people", "visits_person_id_fkey");
    catalog.add_foreign_key("visits", "place_id", "places", "visits_place_id_fkey");
    catalog.add_foreign_key("people", "boss_id", "people", "people_boss_id_fkey");
    add_junction(catalog);
    add_computed(catalog);
    add_function(catalog, "add", {parameter("a", "integer"), parameter("b", "integer", false)});
    add_function(catalog, "take", {parameter("", "json")});
    add_function(catalog, "take_bytes", {parameter("", "bytea")});
    add_function(catalog, "found", {parameter("like this", "text")}, "people");
    add_function(catalog, "nothing", {});
    catalog::Parameter variadic = parameter("v", "integer[]");
    variadic.variadic = true;
    add_function(catalog, "all_of", {variadic});
    return catalog;
}

test::FakeCatalog& database() {
    static test::FakeCatalog made = make_catalog();
    return made;
}

// ---- the request

http::Request read_request(fuzz::Input input) {
    http::Request request;
    const std::string_view start = input.line();
    const std::size_t blank = start.find(' ');
    const std::string_view target = blank == std::string_view::npos ? std::string_view() : start.substr(blank + 1);
    const std::size_t question = target.find('?');
    request.method = start.substr(0, blank);
    request.path = target.substr(0, question);
    if (question != std::string_view::npos) request.query = target.substr(question + 1);
    while (!input.at_end()) {
        const std::string_view line = input.line();
        if (line.empty()) break;
        const std::size_t colon = line.find(": ");
        if (colon != std::string_view::npos)
            request.headers.push_back({std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))});
    }
    request.body = input.rest();
    return request;
}

// What the statements are made from.
struct Asked {
    const http::Request& request;
    http::Admitted admitted;
    api::Payload payload;
    plan::Arguments arguments;
    std::string body;

    bool reads() const { return request.method == "GET" || request.method == "HEAD"; }
};

Asked read_asked(const http::Request& request) {
    const config::Config config = [] {
        config::Config made;
        made.schemas = {"api"};
        return made;
    }();
    Asked asked{request, http::admit_authenticated(request, config, {}), {}, {}, {}};
    if (asked.reads()) {
        asked.arguments.values = asked.admitted.query.arguments;
        return asked;
    }
    const bool for_function = asked.admitted.resource.kind == api::ResourceKind::Function;
    asked.payload = api::parse_payload(request.headers, request.body, asked.admitted.query.columns, for_function);
    if (for_function) asked.arguments.values = asked.payload.fields;
    asked.arguments.post = true;
    asked.arguments.body_kind = api::parse_content_type(request.headers).kind;
    asked.arguments.raw = asked.payload.raw;
    asked.arguments.form = asked.arguments.body_kind == api::MediaKind::UrlEncoded;
    asked.arguments.from_json = !asked.arguments.raw && !asked.arguments.form;
    if (asked.arguments.from_json) asked.arguments.json_names = asked.payload.keys;
    asked.body = asked.payload.document();
    return asked;
}

// ---- every value replaced

template <typename T>
void mark(std::optional<T>& text) {
    if (text) text = kMarker;
}

// Different keys stay different: beside aggregates equal ones are one parameter.
void mark(api::Field& field) {
    for (api::JsonStep& step : field.path) {
        std::string marked(kMarker);
        for (unsigned char c : step.key)
            marked += {static_cast<char>('a' + c / 16), static_cast<char>('a' + c % 16)};
        step.key = std::move(marked);
    }
}

void mark(api::Filter& filter) {
    mark(filter.field);
    mark(filter.operation.language);
    filter.operation.value = kMarker;
    for (std::string& element : filter.operation.list)
        element = kMarker;
}

void mark(api::LogicTree& tree) {
    for (api::LogicNode& node : tree.nodes)
        std::visit([](auto& one) { mark(one); }, node.value);
}

// Casts are SQL text, as far as their grammar lets them.
void replace_casts(std::vector<api::SelectItem>& items) {
    for (api::SelectItem& item : items) {
        if (auto* embed = std::get_if<api::SelectEmbed>(&item.value)) {
            replace_casts(embed->items);
            continue;
        }
        auto& column = std::get<api::SelectColumn>(item.value);
        if (column.cast) column.cast = "int";
        if (column.aggregate_cast) column.aggregate_cast = "int";
    }
}

void mark_selected(std::vector<api::SelectItem>& items) {
    for (api::SelectItem& item : items) {
        if (auto* embed = std::get_if<api::SelectEmbed>(&item.value)) {
            mark_selected(embed->items);
            continue;
        }
        mark(std::get<api::SelectColumn>(item.value).field);
    }
}

// The alias that a path implies is written down: then its keys are nothing but values.
void write_aliases(std::vector<api::SelectItem>& items) {
    for (api::SelectItem& item : items) {
        if (auto* embed = std::get_if<api::SelectEmbed>(&item.value)) {
            write_aliases(embed->items);
            continue;
        }
        auto& column = std::get<api::SelectColumn>(item.value);
        if (column.alias || column.aggregate || column.field.path.empty()) continue;
        column.alias = column.field.name;
        for (const api::JsonStep& step : column.field.path)
            if (!step.is_index) column.alias = step.key;
    }
}

Asked marked(Asked asked) {
    api::Query& query = asked.admitted.query;
    mark_selected(query.select);
    for (auto& filter : query.filters)
        mark(filter.value);
    for (auto& tree : query.trees)
        mark(tree.value);
    for (auto& order : query.orders)
        for (api::OrderTerm& term : order.value)
            mark(term.field);
    for (auto& range : query.embed_ranges) {
        mark(range.value.limit);
        mark(range.value.offset);
    }
    mark(query.root_range.limit);
    mark(query.root_range.offset);
    for (auto& argument : asked.arguments.values)
        argument.second = kMarker;
    asked.body = kMarker;
    return asked;
}

// ---- the statements

struct Statement {
    std::string text;
    std::size_t values = 0;
};

class Statements {
public:
    Statements(const Asked& asked, const plan::LevelRules& rules) : asked_(asked), rules_(rules) {}

    std::vector<Statement> make() {
        if (asked_.admitted.resource.kind == api::ResourceKind::Function)
            call();
        else if (asked_.admitted.resource.kind == api::ResourceKind::Relation && asked_.reads())
            read();
        else if (asked_.admitted.resource.kind == api::ResourceKind::Relation)
            write();
        return std::move(made_);
    }

private:
    const api::Query& query() const { return asked_.admitted.query; }

    plan::Tree tree(const plan::Root& root) {
        plan::Tree planned = plan::plan_tree(database(), root, query(), rules_);
        planned.root.limit = query().root_range.limit;
        planned.root.offset = query().root_range.offset;
        return planned;
    }

    void add(const std::function<void(sql::Text&)>& build) {
        sql::Text text;
        build(text);
        made_.push_back({text.text(), text.values().size()});
    }

    void read() {
        const std::string& name = asked_.admitted.resource.name;
        const auto relation = database().relation("api", name);
        if (!relation) return;
        const plan::Tree planned = tree({relation, "api", name, plan::Source::Relation, {}});
        add([&](sql::Text& text) { sql::add_select(text, planned.root, {}); });
        add([&](sql::Text& text) { sql::add_count(text, planned.root); });
        add([&](sql::Text& text) { sql::add_counted_rows(text, planned.root); });
    }

    plan::WriteKind write_kind() const {
        const std::string& method = asked_.request.method;
        if (method == "POST") return plan::WriteKind::Insert;
        if (method == "PATCH") return plan::WriteKind::Update;
        return method == "PUT" ? plan::WriteKind::Put : plan::WriteKind::Delete;
    }

    void write() {
        const std::string& name = asked_.admitted.resource.name;
        const auto relation = database().relation("api", name);
        if (!relation) return;
        rules_.embed_ranges = rules_.embed_null_tests = false;
        plan::Tree planned = tree({relation, "api", name, plan::Source::Aliased, name});
        const plan::Write write = plan::plan_write({write_kind(), query(), asked_.admitted.preferences, asked_.payload},
                                                   relation, planned.root);
        const auto keys = plan::location_keys(*relation, query());
        for (const auto answer : {sql::WriteAnswer::RowCount, sql::WriteAnswer::Rows, sql::WriteAnswer::Keys})
            add([&](sql::Text& text) { sql::add_write(text, write, asked_.body, planned.root, answer, keys); });
    }

    void call() {
        const plan::Call called =
            plan::plan_call(database(), "api", asked_.admitted.resource.name, asked_.arguments, &asked_.payload);
        const catalog::Function& function = called.function;
        plan::Root root{nullptr, "api", function.name, plan::Source::Aliased, function.name};
        if (!function.row_type_relation.empty()) {
            root.name = root.alias = function.row_type_relation;
            root.relation = database().relation("api", root.name);
        }
        const plan::Tree planned = tree(root);
        add([&](sql::Text& text) { sql::add_call(text, called, asked_.body, planned.root); });
    }

    const Asked& asked_;
    plan::LevelRules rules_;
    std::vector<Statement> made_;
};

void check(const Asked& asked, const plan::LevelRules& rules) {
    Asked uncast = asked;
    replace_casts(uncast.admitted.query.select);
    write_aliases(uncast.admitted.query.select);
    const auto statements = Statements(asked, rules).make();
    const auto ours = Statements(uncast, rules).make();
    const Asked other = marked(uncast);
    const auto others = Statements(other, rules).make();
    fuzz::require(ours.size() == others.size(), "values do not decide about statements");
    for (std::size_t i = 0; i < ours.size(); ++i) {
        fuzz::require(fuzz::SqlText(statements[i].text, false).check() == statements[i].values,
                      "every value has its placeholder");
        fuzz::SqlText(ours[i].text, true).check();
        fuzz::require(others[i].text == ours[i].text, "the text of a statement depends on no value");
        fuzz::require(others[i].text.find(kMarker) == std::string::npos, "no value becomes SQL text");
    }
}

// A request that is refused is an answer too, but no fault of the server.
bool is_refusal(const http::Error& error) {
    return error.code.compare(0, 5, "PGRST") == 0 && error.status >= 300 && error.status < 500;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const http::Request request = read_request(fuzz::Input(data, size));
    plan::LevelRules plain;
    plan::LevelRules other;
    other.aggregates_enabled = true;
    other.legacy_target_names = false;
    other.max_rows = 3;
    for (const plan::LevelRules& rules : {plain, other}) {
        try {
            check(read_asked(request), rules);
        } catch (const http::Failure& failure) {
            fuzz::require(is_refusal(failure.error()), "a request is refused with a status of its own");
        }
    }
    return 0;
}
