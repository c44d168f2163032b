#include "answer/preference_applied.h"

namespace pgrest::answer {

namespace {

bool tx_can_be_chosen(config::TxEnd tx_end) {
    return tx_end == config::TxEnd::CommitAllowOverride || tx_end == config::TxEnd::RollbackAllowOverride;
}

const char* text(api::CountPreference count) {
    switch (count) {
        case api::CountPreference::Exact:
            return "count=exact";
        case api::CountPreference::Planned:
            return "count=planned";
        case api::CountPreference::Estimated:
            return "count=estimated";
    }
    return "";
}

const char* text(api::ReturnPreference representation) {
    switch (representation) {
        case api::ReturnPreference::Representation:
            return "return=representation";
        case api::ReturnPreference::Minimal:
            return "return=minimal";
        case api::ReturnPreference::HeadersOnly:
            return "return=headers-only";
    }
    return "";
}

}  // namespace

std::optional<std::string> preference_applied(const api::Preferences& preferences, const Honoured& honoured,
                                              config::TxEnd tx_end) {
    std::string applied;
    auto add = [&](const std::string& token) { applied += (applied.empty() ? "" : ", ") + token; };
    if (honoured.resolution && preferences.resolution)
        add(*preferences.resolution == api::Resolution::MergeDuplicates ? "resolution=merge-duplicates"
                                                                        : "resolution=ignore-duplicates");
    if (honoured.missing && preferences.missing)
        add(*preferences.missing == api::Missing::Default ? "missing=default" : "missing=null");
    if (honoured.representation && preferences.representation) add(text(*preferences.representation));
    if (honoured.count && preferences.count) add(text(*preferences.count));
    if (preferences.tx && tx_can_be_chosen(tx_end))
        add(*preferences.tx == api::TxPreference::Commit ? "tx=commit" : "tx=rollback");
    if (preferences.handling)
        add(*preferences.handling == api::Handling::Strict ? "handling=strict" : "handling=lenient");
    if (preferences.timezone) add("timezone=" + *preferences.timezone);
    if (honoured.max_affected && preferences.max_affected && preferences.handling == api::Handling::Strict)
        add("max-affected=" + std::to_string(*preferences.max_affected));
    if (applied.empty()) return {};
    return applied;
}

bool ends_with_rollback(const api::Preferences& preferences, config::TxEnd tx_end) {
    const bool by_default = tx_end == config::TxEnd::Rollback || tx_end == config::TxEnd::RollbackAllowOverride;
    if (!preferences.tx || !tx_can_be_chosen(tx_end)) return by_default;
    return *preferences.tx == api::TxPreference::Rollback;
}

}  // namespace pgrest::answer
