// The select parameter: columns, embeds, spreads, aggregates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/syntax.h"

namespace pgrest::api {

inline constexpr int kMaxEmbedDepth = 64;

}  // namespace pgrest::api
