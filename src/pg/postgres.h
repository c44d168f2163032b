// PostgreSQL's headers for C++: always included through this file and before any other PostgreSQL header. Angle
// brackets, because this file has the name of one of them.
#pragma once

extern "C" {
#include <postgres.h>

#include <fmgr.h>
#include <miscadmin.h>
#include <utils/elog.h>
#include <utils/memutils.h>
}

// macros of port.h that would rename standard functions inside C++ headers
#undef printf
#undef fprintf
#undef snprintf
#undef sprintf
#undef vsnprintf
#undef vsprintf
#undef vfprintf
#undef vprintf
#undef strerror
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef bind
#undef Min
#undef Max
