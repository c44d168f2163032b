// The process that speaks HTTP: its main loop.
#pragma once

namespace pgrest::listener {

class Server;

// The one of this process.
Server* this_server();

}  // namespace pgrest::listener
