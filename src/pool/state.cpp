#include "pool/state.h"

#include "pg/postgres.h"
#include "pool/database_settings.h"

extern "C" {
#include <storage/ipc.h>
#include <storage/latch.h>
}

namespace pgrest::pool {

namespace {

ipc::LastWords last_words;

void leave_launcher(int, Datum) {
    ipc::leave_launcher();
}

void leave_listener(int, Datum argument) {
    ipc::leave_listener(DatumGetInt32(argument));
}

void leave_executor(int, Datum argument) {
    const bool was_connected = ipc::leave_executor(DatumGetInt32(argument), last_words);
    give_back_question();
    if (!was_connected && last_words.message[0] != '\0') ipc::set_trouble(last_words.message);
    ipc::wake_launcher();
}

}  // namespace

void enter_launcher() {
    ipc::enter_launcher(MyProcPid, MyLatch);
    on_shmem_exit(leave_launcher, 0);
}

void enter_listener(int index) {
    ipc::enter_listener(index, MyProcPid, MyLatch);
    on_shmem_exit(leave_listener, Int32GetDatum(index));
}

bool enter_executor(int index) {
    if (!ipc::enter_executor(index, MyProcPid, MyLatch)) return false;
    on_shmem_exit(leave_executor, Int32GetDatum(index));
    return true;
}

void remember_last_words(int sqlerrcode, const char* message, const char* detail, const char* hint) {
    ipc::copy_text(last_words.sqlstate, sizeof last_words.sqlstate, unpack_sql_state(sqlerrcode));
    ipc::copy_text(last_words.message, sizeof last_words.message, message);
    ipc::copy_text(last_words.detail, sizeof last_words.detail, detail);
    ipc::copy_text(last_words.hint, sizeof last_words.hint, hint);
}

}  // namespace pgrest::pool
