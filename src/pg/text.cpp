#include "pg/text.h"

#include <algorithm>
#include <cstring>

#include "pg/guard.h"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
}

namespace pgrest::pg {

namespace {

// PostgreSQL's function for one direction, kept: looking for it takes a transaction that has not failed, and errors are
// converted when it has.
struct Direction {
    FmgrInfo function;
    int from;
    int to;
};

Direction to_utf8;
Direction from_utf8;
bool prepared = false;

// Converted at once. Texts can be large, and so is the room that PostgreSQL wants for the result of one call.
constexpr std::size_t kPiece = 8192;
constexpr std::size_t kShownPiece = 256;

void prepare(Direction* direction, int from, int to) {
    // that of pg_catalog, whatever conversions others have made the default of theirs
    const Oid function = FindDefaultConversion(PG_CATALOG_NAMESPACE, from, to);
    if (!OidIsValid(function))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("there is no conversion between the encodings \"%s\" and \"%s\"",
                               pg_encoding_to_char(from), pg_encoding_to_char(to))));
    fmgr_info_cxt(function, &direction->function, TopMemoryContext);
    direction->from = from;
    direction->to = to;
}

// Returns how many bytes of `data` could be converted. `to` has room for MAX_CONVERSION_GROWTH times as much and a NUL.
std::size_t convert_some(Direction* direction, const char* data, std::size_t size, char* to, bool raise) {
    return DatumGetInt32(FunctionCall6(&direction->function, Int32GetDatum(direction->from),
                                       Int32GetDatum(direction->to), CStringGetDatum(data), CStringGetDatum(to),
                                       Int32GetDatum(static_cast<int>(size)), BoolGetDatum(!raise)));
}

// At most `most` bytes, which end where a character ends.
std::size_t piece_of(int encoding, const char* data, std::size_t size, std::size_t most) {
    if (size <= most) return size;
    const std::size_t seen = std::min(size, most + MAX_MULTIBYTE_CHAR_LEN);
    const int whole = pg_encoding_mbcliplen(encoding, data, static_cast<int>(seen), static_cast<int>(most));
    return whole > 0 ? whole : most;
}

StringInfoData convert(Direction* direction, const char* data, std::size_t size) {
    StringInfoData out;
    initStringInfo(&out);
    // most texts get shorter or little longer: room at once, instead of several copies of a large one
    if (size < MaxAllocSize / 2) enlargeStringInfo(&out, static_cast<int>(size + size / 8));
    while (size > 0) {
        const std::size_t piece = piece_of(direction->from, data, size, kPiece);
        enlargeStringInfo(&out, static_cast<int>(piece * MAX_CONVERSION_GROWTH + 1));
        convert_some(direction, data, piece, out.data + out.len, true);
        out.len += static_cast<int>(std::strlen(out.data + out.len));
        data += piece;
        size -= piece;
    }
    return out;
}

// ASCII is the same in every encoding that a database can have.
bool is_ascii(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

bool needs_conversion(std::string_view text) {
    return !server_speaks_utf8() && !is_ascii(text);
}

// ---- without raising

// A failure that is none of the text itself counts as nothing converted.
std::size_t convert_quietly(Direction& direction, std::string_view text, char* to) {
    const char* const data = text.data();
    const std::size_t size = text.size();
    Direction* const which = &direction;
    std::size_t done = 0;
    std::size_t* const result = &done;
    to[0] = '\0';
    auto call = [=] { *result = convert_some(which, data, size, to, false); };
    MemoryContext const context = CurrentMemoryContext;
    if (runs_without_error(call)) return done;
    MemoryContextSwitchTo(context);
    FlushErrorState();
    to[0] = '\0';
    return 0;
}

void append_hex(std::string& out, std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += "\\x";
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
}

struct Shown {
    std::string text;
    bool faithful = true;  // nothing had to be shown as \xNN
};

Shown show(Direction& direction, std::string_view text) {
    Shown shown;
    char converted[kShownPiece * MAX_CONVERSION_GROWTH + 1];
    while (!text.empty()) {
        const std::size_t piece = piece_of(direction.from, text.data(), text.size(), kShownPiece);
        const std::size_t done = std::min(convert_quietly(direction, text.substr(0, piece), converted), piece);
        shown.text += converted;
        text.remove_prefix(done);
        if (done == piece) continue;
        const auto width = static_cast<std::size_t>(std::max(1, pg_encoding_mblen(direction.from, text.data())));
        append_hex(shown.text, text.substr(0, width));
        text.remove_prefix(std::min(width, text.size()));
        shown.faithful = false;
    }
    return shown;
}

// When an error comes before anything could be prepared.
std::string only_ascii(std::string_view text) {
    std::string out;
    for (const char& c : text) {
        if (static_cast<unsigned char>(c) < 0x80)
            out += c;
        else
            append_hex(out, {&c, 1});
    }
    return out;
}

}  // namespace

bool server_speaks_utf8() {
    const int encoding = GetDatabaseEncoding();
    return encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
}

void prepare_conversion() {
    if (prepared || server_speaks_utf8()) return;
    if (!IsTransactionState()) elog(ERROR, "text cannot be converted outside of a transaction");
    prepare(&to_utf8, GetDatabaseEncoding(), PG_UTF8);
    prepare(&from_utf8, PG_UTF8, GetDatabaseEncoding());
    prepared = true;
}

char* text_from_client(const char* data, std::size_t size) {
    if (needs_conversion({data, size})) {
        prepare_conversion();
        return convert(&from_utf8, data, size).data;
    }
    char* copy = static_cast<char*>(palloc(size + 1));
    std::memcpy(copy, data, size);
    copy[size] = '\0';
    pg_verify_mbstr(PG_UTF8, copy, static_cast<int>(size), false);
    return copy;
}

const char* text_to_client(const char* data, std::size_t& size) {
    if (!needs_conversion({data, size})) return data;
    prepare_conversion();
    const StringInfoData converted = convert(&to_utf8, data, size);
    size = converted.len;
    return converted.data;
}

std::string to_server(std::string text) {
    if (!needs_conversion(text)) return text;
    const char* const data = text.data();
    const std::size_t size = text.size();
    char* const converted = guarded([=] { return text_from_client(data, size); });
    text = converted;
    pfree(converted);
    return text;
}

std::string from_server(std::string text) {
    if (!needs_conversion(text)) return text;
    const char* const data = text.data();
    std::size_t size = text.size();
    std::size_t* const length = &size;
    const char* const converted = guarded([=] { return text_to_client(data, *length); });
    text.assign(converted, size);
    pfree(const_cast<char*>(converted));
    return text;
}

ServerText::ServerText(const std::string& text) : text_(text) {
    if (needs_conversion(text)) converted_ = to_server(text);
}

std::optional<std::string> name_to_server(std::string_view name) {
    if (name.find('\0') != std::string_view::npos) return {};
    // no character is longer than four bytes in UTF-8, nor shorter than one elsewhere
    if (name.size() >= std::size_t{4} * NAMEDATALEN) return {};
    if (!pg_verify_mbstr(PG_UTF8, name.data(), static_cast<int>(name.size()), true)) return {};
    std::string converted = to_server(std::string(name));
    if (converted.size() >= NAMEDATALEN) return {};
    return converted;
}

std::string name_from_server(const char* name) {
    if (!name) return {};
    if (!needs_conversion(name)) return name;
    guarded([] { prepare_conversion(); });
    Shown shown = show(to_utf8, name);
    if (shown.faithful) {
        const Shown back = show(from_utf8, shown.text);
        if (back.faithful && back.text == name) return std::move(shown.text);
    }
    return "\xEF\xBF\xBD" + shown.text;
}

std::string shown_from_server(std::string_view text) {
    if (!needs_conversion(text)) return std::string(text);
    return prepared ? show(to_utf8, text).text : only_ascii(text);
}

std::string shown_to_server(std::string_view text) {
    if (!needs_conversion(text)) return std::string(text);
    return prepared ? show(from_utf8, text).text : only_ascii(text);
}

}  // namespace pgrest::pg
