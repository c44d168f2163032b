#include "answer/negotiation.h"

#include <optional>

#include "api/parse.h"
#include "http/error.h"

namespace pgrest::answer {

namespace {

std::optional<Representation> plain(const api::MediaType& type) {
    switch (type.kind) {
        case api::MediaKind::Any:
        case api::MediaKind::Json:
            return Representation{Shape::Array, "application/json; charset=utf-8", false, false, false, {}};
        case api::MediaKind::StrippedArray:
            return Representation{Shape::StrippedArray,
                                  "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
                                  false,
                                  true,
                                  false,
                                  {}};
        case api::MediaKind::Object:
            return Representation{
                Shape::Object, "application/vnd.pgrst.object+json; charset=utf-8", true, false, false, {}};
        case api::MediaKind::StrippedObject:
            return Representation{Shape::StrippedObject,
                                  "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
                                  true,
                                  true,
                                  false,
                                  {}};
        case api::MediaKind::Csv:
            return Representation{Shape::Csv, "text/csv; charset=utf-8", false, false, false, {}};
        default:
            return {};
    }
}

// The full name of the type that a plan is for, without charset.
std::string name_for_plan(const Representation& representation) {
    return representation.content_type.substr(0, representation.content_type.rfind("; charset="));
}

std::optional<Representation> planned(const api::MediaType& type) {
    http::Headers accept{{"Accept", type.plan_for.empty() ? "application/json" : type.plan_for}};
    const std::vector<api::MediaType> wanted = api::parse_accept(accept);
    if (wanted.empty()) return {};
    std::optional<Representation> base = plain(wanted.front());
    if (!base) return {};
    Representation plan = *base;
    plan.shape = Shape::Plan;
    plan.singular = false;
    plan.plan_json = type.plan_json;
    plan.plan_options = type.plan_options;
    plan.content_type = std::string("application/vnd.pgrst.plan+") + (type.plan_json ? "json" : "text") + "; for=\"" +
                        name_for_plan(*base) + "\"";
    for (std::size_t i = 0; i < type.plan_options.size(); ++i)
        plan.content_type += (i ? "|" : "; options=") + type.plan_options[i];
    plan.content_type += "; charset=utf-8";
    return plan;
}

}  // namespace

Representation negotiate(const std::vector<api::MediaType>& accepted, const Offer& offer) {
    for (const api::MediaType& type : accepted) {
        std::optional<Representation> found;
        if (type.kind == api::MediaKind::Plan)
            found = offer.plans ? planned(type) : std::nullopt;
        else
            found = plain(type);
        if (found) return *found;
    }
    std::string asked;
    for (const api::MediaType& type : accepted)
        asked += (asked.empty() ? "" : ", ") + type.name;
    http::fail("PGRST107", "None of the media types that were asked for can be produced: " + asked);
}

}  // namespace pgrest::answer
