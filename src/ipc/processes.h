// The processes as shared memory knows them: who is there, who wants what of whom. Every function takes the lock for a
// moment, and none can raise.
#pragma once

#include <string>

#include "ipc/shared.h"

namespace pgrest::ipc {

// ---- launcher
void enter_launcher(int pid, Latch* latch);
void leave_launcher();
void wake_launcher();

// ---- listener
void enter_listener(int index, int pid, Latch* latch);
// Lets go of everything that it held.
void leave_listener(int index);
void wake_listeners();

// ---- executor
// False when another process has the slot.
bool enter_executor(int index, int pid, Latch* latch);
void executor_is_connected(int index);  // and may be given jobs

// Between two jobs: whether it ends now, because all do or because it is due and no other one is being replaced. An
// executor that is never idle comes to its turn as well.
bool must_retire(int index);

struct LastWords {
    char sqlstate[6] = {};  // "" = unknown
    char message[sizeof(Job::failure_message)] = {};
    char detail[sizeof(Job::failure_detail)] = {};
    char hint[sizeof(Job::failure_hint)] = {};
};

// Its job ends with these words, and another one takes the job that it may have been woken for. True when it was
// connected.
bool leave_executor(int index, const LastWords& last_words);

// Why no executor is connected; no effect while one is. A new reason wakes the listeners.
void set_trouble(const char* reason);

struct Availability {
    bool connected = false;
    std::string trouble;  // "" = unknown: they are on their way
};
Availability availability();

// As much of the text as there is room for.
void copy_text(char* to, std::size_t size, const char* from);

}  // namespace pgrest::ipc
