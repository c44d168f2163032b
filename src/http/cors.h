// Cross-origin requests (the Fetch standard's CORS protocol). Pure C++.
#pragma once

#include <optional>

#include "config/config.h"
#include "http/message.h"

namespace pgrest::http {

// The answer to a preflight; nothing when the request is none.
std::optional<Response> answer_preflight(const Request& request, const config::Config& config);

}  // namespace pgrest::http
