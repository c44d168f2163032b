#include "ipc/question.h"

namespace pgrest::ipc {

void wake_for_question() {
    Shared& all = *shared();
    Latch* latch = nullptr;
    {
        const Locked locked(all.lock, Access::Shared);
        if (all.first_idle != nothing) latch = all.executors[all.first_idle].latch;
    }
    set_if_any(latch);
}

bool question_is_open() {
    const DatabaseSettings& area = shared()->database_settings;
    return area.claimed < area.wanted;
}

std::uint64_t claim_question() {
    DatabaseSettings& area = shared()->database_settings;
    const std::uint64_t question = area.wanted;
    std::uint64_t claimed = area.claimed;
    return claimed < question && area.claimed.compare_exchange_strong(claimed, question) ? question : 0;
}

void give_back_question(std::uint64_t number) {
    std::uint64_t claimed = number;
    if (number == 0) return;
    if (shared()->database_settings.claimed.compare_exchange_strong(claimed, number - 1)) wake_for_question();
}

}  // namespace pgrest::ipc
