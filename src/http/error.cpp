#include "http/error.h"

#include <algorithm>
#include <array>

#include "json/json.h"

namespace pgrest::http {

namespace {

struct OwnCode {
    std::string_view code;
    int status;
};

// Every code of the server's own. PGRST4xx are pgrest's additions: faults of HTTP itself.
constexpr OwnCode kOwnCodes[] = {
    {"PGRST000", 503},  // no connection to the database
    {"PGRST001", 503},  // the connection was lost during the request
    {"PGRST002", 503},  // not ready: a setting was refused, or an exposed schema does not exist
    {"PGRST003", 504},  // no free executor in db_pool_acquisition_timeout
    {"PGRST100", 400},  // the query string does not parse
    {"PGRST101", 405},  // a function called by a method other than GET, HEAD, POST, OPTIONS
    {"PGRST102", 400},  // the body does not parse
    {"PGRST103", 416},  // range or limit out of bounds
    {"PGRST105", 405},  // PUT without exactly the key as filters
    {"PGRST106", 406},  // the schema is not exposed
    {"PGRST107", 406},  // no acceptable media type
    {"PGRST108", 400},  // a filter on something that is not embedded
    {"PGRST111", 500},  // response.headers is malformed
    {"PGRST112", 500},  // response.status is malformed
    {"PGRST114", 400},  // PUT with limit or offset
    {"PGRST115", 400},  // PUT whose body differs from its filters
    {"PGRST116", 406},  // a single object was asked for, and there is not exactly one row
    {"PGRST117", 405},  // unsupported method
    {"PGRST118", 400},  // order by a relation that is not to-one
    {"PGRST120", 400},  // a filter on an embedding other than (not.)is.null
    {"PGRST121", 500},  // SQLSTATE PGRST was raised with unreadable JSON
    {"PGRST122", 400},  // unknown preferences under handling=strict
    {"PGRST123", 400},  // aggregates are switched off
    {"PGRST124", 400},  // more rows than max-affected
    {"PGRST125", 404},  // the path names no resource
    {"PGRST126", 404},  // the root description is switched off
    {"PGRST127", 400},  // not implemented
    {"PGRST128", 400},  // max-affected on a function that returns a single value
    {"PGRST200", 400},  // no relationship
    {"PGRST201", 300},  // ambiguous relationship
    {"PGRST202", 404},  // no such function
    {"PGRST203", 300},  // ambiguous function
    {"PGRST204", 400},  // no such column in the body or in columns=
    {"PGRST205", 404},  // no such table or view
    {"PGRST300", 500},  // a token was sent, but there is no secret
    {"PGRST301", 401},  // the token cannot be verified
    {"PGRST302", 401},  // no role and no anonymous role
    {"PGRST303", 401},  // the claims are refused
    {"PGRST400", 400},  // malformed HTTP
    {"PGRST408", 408},  // the request came too slowly
    {"PGRST413", 413},  // the body is larger than max_body_size
    {"PGRST414", 414},  // the request line is too long
    {"PGRST431", 431},  // the headers are too large
    {"PGRST503", 503},  // too many connections
    {"PGRSTX00", 500},  // internal error
};

bool begins(std::string_view text, std::string_view with) {
    return text.substr(0, with.size()) == with;
}

bool ends(std::string_view text, std::string_view with) {
    return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

// Classes of SQLSTATEs that share a status; the first match counts, exact states before.
int status_of_class(std::string_view state) {
    constexpr OwnCode kClasses[] = {
        {"08", 503}, {"09", 500}, {"0L", 403}, {"0P", 403}, {"25", 500}, {"28", 403}, {"2D", 500},
        {"38", 500}, {"39", 500}, {"3B", 500}, {"40", 500}, {"53", 503}, {"54", 500}, {"55", 500},
        {"57", 500}, {"58", 500}, {"F0", 500}, {"HV", 500}, {"P0", 500}, {"XX", 500},
    };
    for (const OwnCode& known : kClasses)
        if (begins(state, known.code)) return known.status;
    return 400;
}

int status_of_state(const DatabaseError& error, bool authenticated) {
    const std::string_view state = error.sqlstate;
    if (state == "21000") return ends(error.message, "requires a WHERE clause") ? 400 : 500;
    if (state == "22023") return begins(error.message, "role") && ends(error.message, "does not exist") ? 401 : 400;
    if (state == "23503" || state == "23505") return 409;
    if (state == "25006") return 405;
    if (state == "42501") return authenticated ? 403 : 401;
    if (state == "42883") return begins(error.message, "function xmlagg(") ? 406 : 404;
    if (state == "42P01") return 404;
    if (state == "42P17" || state == "53400") return 500;
    if (state == "57P01") return 503;
    if (state == "P0001") return 400;
    if (begins(state, "PT")) {
        const std::string_view digits = state.substr(2);
        const bool number = digits.size() == 3 &&
                            std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
        return number ? std::stoi(std::string(digits)) : 500;
    }
    return status_of_class(state);
}

// ---- SQLSTATE PGRST: message and detail are JSON

std::optional<std::string> string_member(const json::Value& object, std::string_view name, bool& fits) {
    const auto value = json::member(object, name);
    if (!value || value->kind == json::Kind::Null) return {};
    if (value->kind != json::Kind::String) {
        fits = false;
        return {};
    }
    return json::string_of(*value);
}

std::optional<Error> raised_body(const std::string& message) {
    const auto object = json::parse(message);
    if (!object || object->kind != json::Kind::Object) return {};
    bool fits = true;
    Error error;
    const auto code = string_member(*object, "code", fits);
    const auto text = string_member(*object, "message", fits);
    error.details = string_member(*object, "details", fits);
    error.hint = string_member(*object, "hint", fits);
    if (!fits || !code || !text) return {};
    error.code = *code;
    error.message = *text;
    return error;
}

std::optional<int> whole_number(const json::Value& value) {
    if (value.kind != json::Kind::Number || value.text.size() > 20) return {};
    const double number = std::strtod(std::string(value.text).c_str(), nullptr);
    constexpr double kBeyond = 1e9;  // a conversion out of range is undefined
    if (!(number > -kBeyond && number < kBeyond)) return {};
    const int whole = static_cast<int>(number);
    return whole == number ? std::optional<int>(whole) : std::nullopt;
}

bool read_raised_detail(const std::string& detail, Error& error) {
    const auto object = json::parse(detail);
    if (!object || object->kind != json::Kind::Object) return false;
    const auto status = json::member(*object, "status");
    const auto headers = json::member(*object, "headers");
    if (!status || !headers || headers->kind != json::Kind::Object) return false;
    const auto number = whole_number(*status);
    if (!number) return false;
    error.status = *number;
    for (const json::Member& header : json::members(*headers)) {
        // a name with other characters could end the header and begin another
        if (header.value.kind != json::Kind::String || !is_token(header.key)) return false;
        error.headers.push_back({header.key, json::string_of(header.value)});
    }
    bool fits = true;
    error.reason = string_member(*object, "status_text", fits).value_or("");
    return fits;
}

std::optional<std::string> cut_if_any(const std::optional<std::string>& text) {
    if (!text) return {};
    return http::cut(*text);
}

Error from_raised(const DatabaseError& raised) {
    constexpr const char* kMessageHint =
        "MESSAGE must be a JSON object with the strings code and message, and optionally details and hint.";
    constexpr const char* kDetailHint =
        "DETAIL must be a JSON object with the number status and the object headers, and optionally the string "
        "status_text.";
    std::optional<Error> error = raised_body(raised.message);
    if (!error)
        return own_error("PGRST121", "A raised SQLSTATE PGRST cannot be read", "MESSAGE is: " + raised.message,
                         kMessageHint);
    if (!raised.detail)
        return own_error("PGRST121", "A raised SQLSTATE PGRST cannot be read", "DETAIL is missing.", kDetailHint);
    if (!read_raised_detail(*raised.detail, *error))
        return own_error("PGRST121", "A raised SQLSTATE PGRST cannot be read", "DETAIL is: " + *raised.detail,
                         kDetailHint);
    return *error;
}

// ---- the answer

std::string quoted_string(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        // a line break would end the header
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return out + "\"";
}

void append_optional(std::string& out, const std::optional<std::string>& text) {
    if (text)
        json::append_string(out, *text);
    else
        out += "null";
}

std::string body_of(const Error& error, bool minimal) {
    std::string out = "{\"code\":";
    json::append_string(out, error.code);
    if (!minimal) {
        out += ",\"details\":";
        if (error.details_json)
            out += *error.details_json;
        else
            append_optional(out, error.details);
        out += ",\"hint\":";
        append_optional(out, error.hint);
    }
    out += ",\"message\":";
    json::append_string(out, error.message);
    return out + "}";
}

// A field value may not hold what ends it (RFC 9110 section 5.5).
std::string field_value(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 && c != '\t') c = ' ';
    return out;
}

}  // namespace

std::string cut(std::string_view text, std::size_t longest) {
    constexpr std::string_view mark = "...";
    if (text.size() <= longest) return std::string(text);
    std::size_t end = longest - mark.size();
    // at most three bytes follow the first of a character
    for (int i = 0; i < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80; ++i)
        --end;
    return std::string(text.substr(0, end)).append(mark);
}

int status_of_own_code(std::string_view code) {
    const auto* const found = std::find_if(std::begin(kOwnCodes), std::end(kOwnCodes),
                                           [&](const OwnCode& known) { return known.code == code; });
    return found == std::end(kOwnCodes) ? 500 : found->status;
}

Error own_error(std::string_view code, std::string message, std::optional<std::string> details,
                std::optional<std::string> hint) {
    Error error;
    error.status = status_of_own_code(code);
    error.code = std::string(code);
    error.message = cut(message);
    error.details = cut_if_any(details);
    error.hint = cut_if_any(hint);
    if (code == "PGRST301" || code == "PGRST303")
        error.headers.push_back(
            {"WWW-Authenticate", "Bearer error=\"invalid_token\", error_description=" + quoted_string(error.message)});
    if (code == "PGRST302") error.headers.push_back({"WWW-Authenticate", "Bearer"});
    return error;
}

void fail(std::string_view code, std::string message, std::optional<std::string> details,
          std::optional<std::string> hint) {
    throw Failure(own_error(code, std::move(message), std::move(details), std::move(hint)));
}

Error from_database(const DatabaseError& raised, bool authenticated) {
    if (raised.sqlstate == "PGRST") return from_raised(raised);
    Error error;
    error.status = status_of_state(raised, authenticated);
    error.code = raised.sqlstate;
    error.message = cut(raised.message);
    error.details = cut_if_any(raised.detail);
    error.hint = cut_if_any(raised.hint);
    if (begins(raised.sqlstate, "PT")) error.reason = error.message;
    if (error.status == 401) error.headers.push_back({"WWW-Authenticate", "Bearer"});
    return error;
}

Response to_response(const Error& error, bool minimal) {
    Response response;
    response.status = error.status;
    response.reason = field_value(error.reason);
    response.body = body_of(error, minimal);
    response.headers.push_back({"Content-Type", "application/json; charset=utf-8"});
    response.headers.push_back({"Proxy-Status", field_value("pgrest; error=" + error.code)});
    if (error.status == 503) response.headers.push_back({"Retry-After", "0"});
    for (const Header& header : error.headers)
        set_header(response.headers, header.name, field_value(header.value));
    return response;
}

}  // namespace pgrest::http
