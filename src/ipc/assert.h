// PostgreSQL's Assert() for code that knows no PostgreSQL: compiled in where that one is, and in the tests.
#pragma once

namespace pgrest::ipc {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace pgrest::ipc

#ifdef USE_ASSERT_CHECKING
#define PGREST_ASSERT(condition) ((condition) ? (void)0 : pgrest::ipc::assertion_failed(#condition, __FILE__, __LINE__))
#else
#define PGREST_ASSERT(condition) ((void)sizeof(condition))
#endif
