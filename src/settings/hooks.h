// Check and assign hooks of the server parameters: functions that PostgreSQL calls, so no exception leaves them.
#pragma once

#include "pg/postgres.h"
#include "settings/table.h"

extern "C" {
#include <utils/guc.h>
}

namespace pgrest::settings {

struct TextHooks {
    GucStringCheckHook check;
    GucStringAssignHook assign;
};

// Of text_settings[index].
TextHooks text_hooks(std::size_t index);

// What SHOW tells of jwt_secret: nothing, the name of the file, or that there is one.
const char* show_secret();

bool check_socket_mode(char** value, void** extra, GucSource source);
bool check_file_name(char** value, void** extra, GucSource source);
bool check_request_memory(int* value, void** extra, GucSource source);

// Assign hooks of the other settings that belong to the configuration.
void note_change_of_bool(bool value, void* extra);
void note_change_of_int(int value, void* extra);

// Three octal digits from 600 to 777; -1 when it is something else.
int octal_mode(const char* text);

}  // namespace pgrest::settings
