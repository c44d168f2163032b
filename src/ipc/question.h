// The question of the launcher, which has no database, to an executor: what do settings say that are kept there? Here
// is who asks and who answers; question and answer themselves are in pool/database_settings.h.
#pragma once

#include <cstdint>

#include "ipc/shared.h"

namespace pgrest::ipc {

// After a new one was written: an idle executor is woken, if any; the others see it before they sleep.
void wake_for_question();

// ---- executor
// Nobody is at it. To be asked once more after take_job() found nothing: whoever asked before that saw no idle
// executor.
bool question_is_open();

// The number of the question if it is this process's to answer, else 0.
std::uint64_t claim_question();

// By a process that ends without having answered.
void give_back_question(std::uint64_t number);

}  // namespace pgrest::ipc
