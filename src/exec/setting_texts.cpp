#include "exec/setting_texts.h"

#include "exec/settings_guc.h"
#include "pg/guard.h"
#include "pg/text.h"

namespace pgrest::exec {

namespace {

void set_all(const SettingTexts& settings, bool saved) {
    const auto* const all = settings.data();
    const std::size_t count = settings.size();
    pg::guarded([=] {
        for (std::size_t i = 0; i < count; ++i)
            set_local(all[i].first.c_str(), all[i].second.c_str(), saved);
    });
}

SettingTexts in_server_encoding(const SettingTexts& settings) {
    SettingTexts converted;
    for (const auto& [name, value] : settings)
        converted.emplace_back(pg::to_server(name), pg::to_server(value));
    return converted;
}

}  // namespace

void set_locally(const SettingTexts& settings, bool saved) {
    if (pg::server_speaks_utf8())
        set_all(settings, saved);
    else
        set_all(in_server_encoding(settings), saved);
}

}  // namespace pgrest::exec
