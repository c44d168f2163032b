#include "pool/own_memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>
#include <cstdio>

namespace pgrest::pool {

std::optional<std::size_t> own_memory() {
    // pages: size, resident, of these shared or file-backed; proc_pid_statm(5)
    const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0) return {};
    char text[128] = {};
    const ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    unsigned long resident = 0, shared = 0;
    if (length <= 0 || std::sscanf(text, "%*u %lu %lu", &resident, &shared) != 2 || resident < shared) return {};
    return (resident - shared) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void give_back_free_memory() {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

}  // namespace pgrest::pool
