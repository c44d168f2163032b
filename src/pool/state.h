// The processes as shared memory knows them: who is there, who wants what of whom. Every function takes the lock for a
// moment, and none can raise.
#pragma once

#include <string>

#include "pool/shared.h"

namespace pgrest::pool {

// ---- launcher
void enter_launcher();  // this process is the launcher until it ends
void wake_launcher();

// ---- listener
void enter_listener(int index);
void wake_listeners();

// ---- executor
// This process has the slot until it ends. False when another has it: a launcher that ended may have ordered that one.
bool enter_executor(int index);
void executor_is_connected(int index);  // and may be given jobs

// Between two jobs: whether it ends now, because all do or because it is due and no other one is being replaced. An
// executor that is never idle comes to its turn as well.
bool must_retire(int index);

// What an executor says when it ends with a FATAL error: for the client of its request, and for the launcher when it
// never came to be connected. Called from the log hook. Without detail or hint: "".
void remember_last_words(int sqlerrcode, const char* message, const char* detail, const char* hint);

// Why no executor is connected; no effect while one is. A new reason wakes the listeners.
void set_trouble(const char* reason);

struct Availability {
    bool connected = false;
    std::string trouble;  // "" = unknown: they are on their way
};
Availability availability();

}  // namespace pgrest::pool
