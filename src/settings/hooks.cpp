#include "settings/hooks.h"

#include <cstdlib>
#include <cstring>
#include <exception>
#include <utility>

#include "config/config.h"
#include "pg/text.h"
#include "settings/variables.h"

extern "C" {
#include <tcop/pquery.h>
#include <utils/portal.h>
}

namespace pgrest::settings {

namespace {

// The reason of a refusal as plain memory: raising from here must not skip a destructor.
char reason[512];

bool is_secret(std::size_t index) {
    return std::strcmp(text_settings[index].name, "jwt_secret") == 0;
}

// The settings whose value names a file; what counts then is the content, which is read later.
bool names_file(std::size_t index, const char* value) {
    return is_secret(index) && value[0] == '@';
}

// A reason goes on after the name of a setting ("pgrest.x: it must be ..."); a detail is a sentence.
void set_reason(std::string text) {
    if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    text += '.';
    std::strncpy(reason, text.c_str(), sizeof reason - 1);
}

bool acceptable(std::size_t index, const char* value) noexcept {
    const TextSetting& setting = text_settings[index];
    if (value[0] == '\0' || names_file(index, value)) return true;
    try {
        const auto refusal = config::refuse(configuration_name(setting), value);
        if (!refusal) return true;
        set_reason(*refusal);
    } catch (const std::exception& exception) {
        std::strncpy(reason, exception.what(), sizeof reason - 1);
    } catch (...) {
        std::strncpy(reason, "unknown C++ exception", sizeof reason - 1);
    }
    return false;
}

// Memory that the GUC machinery frees. Null when there is none.
char* copy_for_guc(const char* text) {
#if PG_VERSION_NUM >= 160000
    return guc_strdup(LOG, text);
#else
    return strdup(text);
#endif
}

void free_for_guc(char* text) {
#if PG_VERSION_NUM >= 160000
    guc_free(text);
#else
    std::free(text);
#endif
}

// PostgreSQL logs changed parameters with their values and shows them in several places. So the variable itself always
// holds asterisks, also when there is no secret (it would be a change to set one), and the secret travels as the hook's
// extra data.
bool hide_secret(char** value, void** extra) {
    char* shown = copy_for_guc(hidden_secret);
    if (!shown) return false;
    if ((*value)[0] != '\0')
        *extra = *value;
    else
        free_for_guc(*value);
    *value = shown;
    return true;
}

// A message without the value.
void name_only(std::size_t index) {
    GUC_check_errmsg("invalid value for parameter \"pgrest.%s\"", text_settings[index].name);
}

// ALTER SYSTEM writes the bytes that its session has into a file that is read as UTF-8.
bool would_be_misread(const char* value) {
    if (pg::server_speaks_utf8() || !ActivePortal || ActivePortal->commandTag != CMDTAG_ALTER_SYSTEM) return false;
    for (; *value; ++value)
        if (static_cast<unsigned char>(*value) >= 0x80) return true;
    return false;
}

bool check_text(std::size_t index, char** value, void** extra) {
    if (!*value) return true;
    if (would_be_misread(*value)) {
        if (is_secret(index)) name_only(index);
        GUC_check_errdetail("A value with letters beyond ASCII is set in a database of encoding UTF8, or in the file.");
        return false;
    }
    // what a parallel worker restores of its leader; also the default
    if (is_secret(index) && std::strcmp(*value, hidden_secret) == 0) return true;
    std::memset(reason, 0, sizeof reason);
    if (acceptable(index, *value)) return !is_secret(index) || hide_secret(value, extra);
    if (is_secret(index)) name_only(index);
    GUC_check_errdetail("%s", reason);
    return false;
}

void assign_text(std::size_t index, void* extra) {
    ++variables.changes;
    if (is_secret(index)) variables.secret = static_cast<const char*>(extra);
}

// PostgreSQL's hooks do not say which parameter they are called for; one function each does.
template <std::size_t Index>
bool check_one(char** value, void** extra, GucSource) {
    return check_text(Index, value, extra);
}

template <std::size_t Index>
void assign_one(const char*, void* extra) {
    assign_text(Index, extra);
}

template <std::size_t... Index>
TextHooks select_hooks(std::size_t wanted, std::index_sequence<Index...>) {
    static constexpr TextHooks all[] = {{check_one<Index>, assign_one<Index>}...};
    return all[wanted];
}

}  // namespace

TextHooks text_hooks(std::size_t index) {
    return select_hooks(index, std::make_index_sequence<text_setting_count>());
}

const char* show_secret() {
    if (!variables.secret) return "";
    return variables.secret[0] == '@' ? variables.secret : hidden_secret;
}

int octal_mode(const char* text) {
    if (std::strlen(text) != 3) return -1;
    int mode = 0;
    for (const char* digit = text; *digit; ++digit) {
        if (*digit < '0' || *digit > '7') return -1;
        mode = mode * 8 + (*digit - '0');
    }
    return mode >= 0600 ? mode : -1;
}

bool check_socket_mode(char** value, void**, GucSource) {
    if (!*value || octal_mode(*value) >= 0) return true;
    GUC_check_errdetail("A file mode is three octal digits from 600 to 777.");
    return false;
}

bool check_request_memory(int* value, void**, GucSource) {
    constexpr int least = 32 * 1024;
    if (*value == -1 || *value >= least) return true;
    GUC_check_errdetail("A request needs at least 32 MB; -1 is no limit.");
    return false;
}

bool check_file_name(char** value, void**, GucSource) {
    if (!*value || std::strlen(*value) < 100) return true;
    GUC_check_errdetail("The path of a socket is shorter than 100 bytes.");
    return false;
}

void note_change_of_bool(bool, void*) {
    ++variables.changes;
}
void note_change_of_int(int, void*) {
    ++variables.changes;
}

}  // namespace pgrest::settings
