// The functions that libmicrohttpd calls. They let neither an error of PostgreSQL nor an exception through: they answer
// with libmicrohttpd's own failure, which closes the connection.
#pragma once

#include <microhttpd.h>
#include <cstdarg>
#include <cstddef>
#include <cstdint>

namespace pgrest::listener {

void connection_changed(void* server, MHD_Connection* connection, void** context,
                        MHD_ConnectionNotificationCode what) noexcept;
void* target_has_come(void* server, const char* target, MHD_Connection* connection) noexcept;
MHD_Result request_has_come(void* server, MHD_Connection* connection, const char* url, const char* method,
                            const char* version, const char* data, std::size_t* size, void** context) noexcept;
void request_has_ended(void* server, MHD_Connection* connection, void** context,
                       MHD_RequestTerminationCode why) noexcept;

// Of a response's body.
ssize_t next_data(void* exchange, std::uint64_t position, char* to, std::size_t most) noexcept;
ssize_t no_data(void*, std::uint64_t, char*, std::size_t) noexcept;

void message_of_daemon(void* server, const char* format, va_list arguments) noexcept
    __attribute__((format(printf, 2, 0)));
[[noreturn]] void daemon_panics(void*, const char* file, unsigned line, const char* reason) noexcept;

}  // namespace pgrest::listener
