// This process's place in shared memory (ipc/processes.h), from when it enters until it ends, however it ends.
#pragma once

#include "ipc/processes.h"

namespace pgrest::pool {

void enter_launcher();
void enter_listener(int index);
// False when another process has the slot: a launcher that ended may have ordered that one.
bool enter_executor(int index);

// What an executor says when it ends with a FATAL error: for the client of its request, and for the launcher when it
// never came to be connected. Called from the log hook. Without detail or hint: "".
void remember_last_words(int sqlerrcode, const char* message, const char* detail, const char* hint);

}  // namespace pgrest::pool
