#include "plan/plan.h"

#include <algorithm>

namespace pgrest::plan {

namespace {

const char* aggregate_name(api::Aggregate aggregate) {
    switch (aggregate) {
        case api::Aggregate::Sum:
            return "sum";
        case api::Aggregate::Avg:
            return "avg";
        case api::Aggregate::Count:
            return "count";
        case api::Aggregate::Max:
            return "max";
        case api::Aggregate::Min:
            return "min";
    }
    return "count";
}

}  // namespace

std::string Output::key() const {
    if (alias) return *alias;
    if (star) return {};
    if (count_all) return "count";
    if (aggregate) return aggregate_name(*aggregate);
    return field.name;
}

bool Level::aggregates() const {
    return std::any_of(outputs.begin(), outputs.end(), [](const Output& output) { return output.aggregated(); });
}

bool Level::has_inner_embeds() const {
    return std::any_of(embeds.begin(), embeds.end(), [](const Embed& embed) { return embed.join == api::Join::Inner; });
}

std::vector<std::string> output_names(const Level& level) {
    std::vector<std::string> names;
    for (const Output& output : level.outputs) {
        if (output.hidden) continue;
        if (!output.star) {
            names.push_back(output.key());
            continue;
        }
        if (!level.relation) continue;
        for (const catalog::Column& column : level.relation->columns)
            names.push_back(column.name);
    }
    for (const Embed& embed : level.embeds) {
        if (embed.level.selects_nothing) continue;
        if (!embed.spread) {
            names.push_back(embed.written);
            continue;
        }
        for (std::string& name : output_names(embed.level))
            names.push_back(std::move(name));
    }
    return names;
}

}  // namespace pgrest::plan
