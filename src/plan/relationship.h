// Which relationship an embed means (names of targets, hints, ambiguity). Pure C++.
#pragma once

#include <string>

#include "api/syntax.h"
#include "catalog/catalog.h"

namespace pgrest::plan {

// The one entry of origin that the embed names. Throws PGRST200 (none) or PGRST201 (several, with the list of
// candidates as details).
catalog::Relationship find_relationship(catalog::Catalog& catalog, const std::string& schema, const std::string& origin,
                                        const api::SelectEmbed& embed);

}  // namespace pgrest::plan
