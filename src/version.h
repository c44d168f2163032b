// The version of the library: Server header, application_name, pgrest.version(). pgrest.control has its first two
// parts.
#pragma once

#define PGREST_VERSION "1.0.0"
