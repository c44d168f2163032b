// The configuration in force, published by the launcher as text with a generation number. Every process builds its own
// immutable config::Config from it and looks, at the start of a request, whether the number has changed.
#pragma once

#include <memory>

#include "config/config.h"

namespace pgrest::pool {

// Launcher: puts these settings into force. False when they are too long for the shared memory.
bool publish(const config::Settings& settings);

// The configuration in force; null while there is none.
std::shared_ptr<const config::Config> current_config();

}  // namespace pgrest::pool
