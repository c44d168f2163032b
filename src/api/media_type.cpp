#include <algorithm>

#include "api/parse.h"

namespace pgrest::api {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text = text.substr(at + 1);
    }
}

// Commas and semicolons inside quotes (for="...") separate nothing.
std::vector<std::string_view> split_outside_quotes(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    std::size_t start = 0;
    bool quoted = false;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && text[i] == '"') quoted = !quoted;
        if (i < text.size() && (quoted || text[i] != separator)) continue;
        parts.push_back(text.substr(start, i - start));
        start = i + 1;
    }
    return parts;
}

MediaKind kind_of(const std::string& name) {
    if (name == "*/*") return MediaKind::Any;
    if (name == "application/json" || name == "application/vnd.pgrst.array" ||
        name == "application/vnd.pgrst.array+json")
        return MediaKind::Json;
    if (name == "application/vnd.pgrst.object" || name == "application/vnd.pgrst.object+json") return MediaKind::Object;
    if (name == "text/csv") return MediaKind::Csv;
    if (name == "application/geo+json") return MediaKind::GeoJson;
    if (name == "application/openapi+json") return MediaKind::OpenApi;
    if (name == "application/vnd.pgrst.plan" || name == "application/vnd.pgrst.plan+text" ||
        name == "application/vnd.pgrst.plan+json")
        return MediaKind::Plan;
    if (name == "text/plain") return MediaKind::Text;
    if (name == "text/xml") return MediaKind::Xml;
    if (name == "application/octet-stream") return MediaKind::Binary;
    if (name == "application/x-www-form-urlencoded") return MediaKind::UrlEncoded;
    return MediaKind::Other;
}

std::string without_spaces(std::string_view text) {
    std::string out;
    for (char c : text)
        if (c != ' ' && c != '\t') out += c;
    return out;
}

std::string_view unquoted(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
    return text;
}

// Of repeated parameters the first counts.
void read_plan_options(MediaType& type, std::string_view options) {
    if (!type.plan_options.empty()) return;
    constexpr std::string_view kKnown[] = {"analyze", "verbose", "settings", "buffers", "wal"};
    const auto given = split(options, '|');
    for (const std::string_view known : kKnown)
        if (std::find(given.begin(), given.end(), known) != given.end()) type.plan_options.emplace_back(known);
}

void read_parameter(MediaType& type, const std::string& base, std::string_view parameter) {
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) return;
    const std::string name = lower(parameter.substr(0, equals));
    const std::string_view value = unquoted(parameter.substr(equals + 1));
    if (type.kind == MediaKind::Plan && name == "for" && type.plan_for.empty()) type.plan_for = std::string(value);
    if (type.kind == MediaKind::Plan && name == "options") read_plan_options(type, value);
    if (name != "nulls" || lower(value) != "stripped") return;
    if (type.kind == MediaKind::Object) type.kind = MediaKind::StrippedObject;
    if (type.kind == MediaKind::Json && base != "application/json") type.kind = MediaKind::StrippedArray;
}

// text: without spaces and without quality.
MediaType media_type(std::string_view text) {
    const auto parts = split_outside_quotes(text, ';');
    const std::string base = lower(parts.front());
    MediaType type;
    type.kind = kind_of(base);
    type.name = type.kind == MediaKind::Other ? lower(text) : base;
    type.plan_json = base == "application/vnd.pgrst.plan+json";
    for (std::size_t i = 1; i < parts.size(); ++i)
        read_parameter(type, base, parts[i]);
    return type;
}

struct Wanted {
    MediaType type;
    double quality = 1;
    int specific = 0;
};

double quality_of(std::string_view text) {
    const std::string number(text);
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    return end == number.c_str() || !(value >= 0 && value <= 1) ? 1 : value;
}

Wanted wanted(const std::string& item) {
    Wanted result;
    std::string_view text = item;
    const std::size_t quality = lower(text).find(";q=");
    if (quality != std::string::npos) {
        const std::string_view value = text.substr(quality + 3);
        result.quality = quality_of(value.substr(0, value.find(';')));
        text = text.substr(0, quality);
    }
    result.type = media_type(text);
    result.specific = static_cast<int>(std::count(text.begin(), text.end(), ';')) -
                      static_cast<int>(std::count(text.begin(), text.end(), '*'));
    return result;
}

}  // namespace

std::vector<MediaType> parse_accept(const http::Headers& headers) {
    const auto header = http::find_header(headers, "Accept");
    if (!header) return {MediaType{MediaKind::Any, "*/*", false, {}, {}}};
    std::vector<Wanted> list;
    for (const std::string_view item : split_outside_quotes(*header, ','))
        list.push_back(wanted(without_spaces(item)));
    std::stable_sort(list.begin(), list.end(), [](const Wanted& a, const Wanted& b) {
        if (a.quality != b.quality) return a.quality > b.quality;
        return a.specific > b.specific;
    });
    std::vector<MediaType> types;
    for (Wanted& one : list)
        types.push_back(std::move(one.type));
    return types;
}

MediaType parse_content_type(const http::Headers& headers) {
    const auto header = http::find_header(headers, "Content-Type");
    if (!header) return {MediaKind::Json, "application/json", false, {}, {}};
    const std::string text = without_spaces(header->substr(0, header->find(';')));
    MediaType type;
    type.name = lower(text);
    type.kind = kind_of(type.name);
    // a vendor type that stands for JSON in answers is none in requests
    if (type.kind == MediaKind::Json && type.name != "application/json") type.kind = MediaKind::Other;
    return type;
}

}  // namespace pgrest::api
