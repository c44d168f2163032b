// The settings of a request (its claims, request.*) while nothing could read them. They become real settings before any
// statement is planned, and before a statement runs that could read them (reads_settings.h); most reads of a table by
// key never need them.
#pragma once

#include <functional>

#include "exec/setting_texts.h"

namespace pgrest::exec {

// Of one transaction. At most one object waits.
class WaitingSettings {
public:
    using Make = std::function<SettingTexts()>;

    WaitingSettings() = default;
    ~WaitingSettings() { drop(); }
    WaitingSettings(const WaitingSettings&) = delete;
    WaitingSettings& operator=(const WaitingSettings&) = delete;

    // make: called when they are needed, if ever.
    void wait(Make make);
    void drop() noexcept;
    void bring_into_force();

private:
    Make make_;
};

bool settings_wait();

// C: may ereport. Does nothing when none wait.
void bring_settings_into_force();

}  // namespace pgrest::exec
