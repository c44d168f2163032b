#include "exec/setting_texts.h"

#include "exec/settings_guc.h"
#include "pg/guard.h"

namespace pgrest::exec {

void set_locally(const SettingTexts& settings, bool saved) {
    const auto* const all = settings.data();
    const std::size_t count = settings.size();
    pg::guarded([=] {
        for (std::size_t i = 0; i < count; ++i)
            set_local(all[i].first.c_str(), all[i].second.c_str(), saved);
    });
}

}  // namespace pgrest::exec
