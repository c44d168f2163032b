// A client's connection, and one request on it with its answer, as the listener keeps them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "auth/identity.h"
#include "config/config.h"
#include "http/message.h"
#include "http/wire.h"
#include "ipc/stream.h"
#include "listener/giving_way.h"
#include "listener/list.h"
#include "listener/peers.h"
#include "listener/upload.h"

struct MHD_Connection;

namespace pgrest::listener {

struct Exchange;

struct Client {
    MHD_Connection* connection = nullptr;
    int descriptor = -1;
    std::int64_t since = 0;  // when it began to be waited for the head of a request
    std::optional<Peer> peer;
    Exchange* exchange = nullptr;
    bool answered_early = false;  // before all of the request had come: more may come after the answer
    bool half_closed = false;     // it will send nothing more
    std::int64_t look_again = 0;  // then, whether libmicrohttpd has noticed
    Hook<Client> half_closed_list;
    Hook<Client> fresh;  // on a list each, by the kind of time limit
    Hook<Client> resting;
};

enum class Stage {
    Fresh,       // the head has come and was not looked at
    Receiving,   // the body is coming and is kept
    Discarding,  // the answer is settled; the rest of the body is thrown away
    Settled,     // the answer is settled, and made here
    Waiting,     // for an executor: suspended
    Answering,   // the answer comes from an executor
    Gone,        // the connection is to be closed without an answer
};

struct Exchange {
    Client* client = nullptr;
    MHD_Connection* connection = nullptr;
    std::string target;               // as sent
    const char* target_at = nullptr;  // where it lies at libmicrohttpd
    bool seamless = true;             // libmicrohttpd left out nothing of the head
    Stage stage = Stage::Fresh;
    bool is_head = false;
    bool close = false;      // the connection ends with this answer
    bool suspended = false;  // at libmicrohttpd
    std::shared_ptr<const config::Config> config;

    http::Request request;        // without its body
    std::size_t head_bytes = 0;   // as sent
    std::size_t head_memory = 0;  // at libmicrohttpd
    auth::Identity identity;
    Upload upload;
    std::uint64_t discarded = 0;
    std::uint64_t received = 0;  // of the body
    Pace pace;
    std::uint64_t next_step = 0;  // so much of the body must have come in its time
    bool sent_at_once = false;    // the answer went out in the middle of the body
    int unread = 0;               // of the body, at the system, when it was looked at last
    std::uint64_t received_then = 0;
    int still = 0;  // so many times in a row nothing of it was read

    std::optional<http::Response> settled;

    int job = -1;
    ipc::StreamReader reader;
    std::optional<std::uint64_t> head_size;
    http::wire::AnswerHead head;
    bool paused_for_data = false;  // suspended in the middle of the answer
    std::uint64_t given = 0;       // of a streamed answer, to libmicrohttpd
    std::uint64_t taken = 0;       // by the client, when it was looked at last

    std::int64_t moved = 0;      // when body or answer made their last step
    Hook<Exchange> receiving;    // its body
    Hook<Exchange> sending;      // its answer
    std::int64_t since = 0;      // when it began to wait
    Hook<Exchange> waiting;      // for an executor to begin
    Hook<Exchange> recent;       // suspended so recently that a client that half-closed still gets its answer
    Hook<Exchange> without_job;  // waits for a free slot in the job table
    Hook<Exchange> alive;
};

}  // namespace pgrest::listener
