#include "exec/waiting_settings.h"

#include "pg/guard.h"

extern "C" {
#include "optimizer/planner.h"
}

namespace pgrest::exec {

namespace {

WaitingSettings* waiting = nullptr;
planner_hook_type previous_planner = nullptr;
bool hooked = false;

// The planner may evaluate functions, for estimates or because they are immutable.
PlannedStmt* plan_with_settings(Query* query, const char* text, int options, ParamListInfo parameters) {
    bring_settings_into_force();
    if (previous_planner) return previous_planner(query, text, options, parameters);
    return standard_planner(query, text, options, parameters);
}

}  // namespace

void WaitingSettings::wait(Make make) {
    if (!hooked) {
        previous_planner = planner_hook;
        planner_hook = plan_with_settings;
        hooked = true;
    }
    make_ = std::move(make);
    waiting = this;
}

void WaitingSettings::drop() noexcept {
    if (waiting == this) waiting = nullptr;
}

void WaitingSettings::bring_into_force() {
    waiting = nullptr;
    set_locally(make_(), false);
}

bool settings_wait() {
    return waiting != nullptr;
}

void bring_settings_into_force() {
    if (!waiting) return;
    pg::translate_exceptions([] { waiting->bring_into_force(); });
}

}  // namespace pgrest::exec
