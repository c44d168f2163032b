// Do the exposed schemas exist? A name that does not is a mistake in the settings, and serving the rest would hide it.
#pragma once

#include "config/config.h"

namespace pgrest::pool {

// Throws http::Failure (PGRST002) when one is missing, pg::Error when it cannot be found out. Remembers a good answer
// until a schema changes. In a transaction, whose start has heard of every change before it.
void require_schemas(const config::Config& config);

}  // namespace pgrest::pool
