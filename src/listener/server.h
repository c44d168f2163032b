// One listener: libmicrohttpd, the clients on it, and their requests on the way to executors and back. One object per
// process. libmicrohttpd calls the on_... functions; neither an error nor an exception leaves them (callbacks.cpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/error.h"
#include "listener/exchange.h"
#include "listener/lingering.h"
#include "listener/peers.h"

struct MHD_Daemon;
struct MHD_Response;

namespace pgrest::auth {
class TokenCache;
}

namespace pgrest::listener {

// Limits of a request's head. What is over libmicrohttpd's own memory it answers by itself, in HTML.
inline constexpr std::size_t longest_target = 50 * 1024;
inline constexpr std::size_t largest_head = 64 * 1024;         // as sent
inline constexpr std::size_t largest_head_memory = 80 * 1024;  // with what libmicrohttpd adds to each header
// Holds the heads of request and answer, and a buffer. It is cleared after every request, which costs time and makes
// all of it resident.
inline constexpr std::size_t connection_memory = 96 * 1024;

// So much has to move within body_timeout or send_timeout, or the client counts as gone.
inline constexpr std::uint64_t least_progress = 16 * 1024;

enum class Said { Continue, Close };

// The name of a header that is put before those of every request, see on_target(). Known by where it lies.
inline constexpr char cookie_for_daemon[] = "Cookie";

class Server {
public:
    Server(int index, auth::TokenCache& cache);

    // Takes the listening socket. False when libmicrohttpd cannot start.
    bool start(int socket, int most_connections);
    bool started() const { return daemon_ != nullptr; }

    // ---- main loop
    int daemon_descriptor() const;
    int watch_descriptor() const { return watch_; }
    long timeout() const;      // milliseconds until something is due, -1 = never
    void run();                // what clients sent, what may be sent to them
    void hear_news();          // from executors
    void give_way_if_asked();  // by another listener, which has no memory for bodies
    void look_at_sockets();    // who comes, who leaves
    bool has_arrivals() const { return has_arrivals_; }
    void accept_clients();
    void keep_deadlines();
    void refuse_waiting();  // when it turns out that no executor will come

    void begin_shutdown();
    bool idle() const { return alive_.empty(); }
    void stop();  // the rest is cut off

    // ---- called by libmicrohttpd
    Client* on_connect(MHD_Connection* connection);
    void on_disconnect(Client* client);
    Exchange* on_target(MHD_Connection* connection, char* target);
    Said on_request(Exchange& exchange, const char* method, const char* version, const char* data, std::size_t* size);
    long on_wants_data(Exchange& exchange, char* to, std::size_t most);  // MHD_ContentReaderCallback
    void on_completed(Exchange& exchange);
    void on_bad_length();

private:
    // arrivals.cpp
    bool watch(int descriptor, void* what) const;
    std::optional<http::Error> refusal_of(const sockaddr* address) const;
    void refuse(int socket, const http::Error& error);
    void pause_accepting(int error);
    void accept_again_if_due(std::int64_t now);
    void stop_listening();

    // requests.cpp
    Said begin(Exchange& exchange, const char* method, const char* version);
    void read_head(Exchange& exchange, const char* method, const char* version);
    void check_head(const Exchange& exchange, const char* version) const;
    bool expects_body(const Exchange& exchange) const;
    void admit(Exchange& exchange);
    Said settle(Exchange& exchange, http::Response response);
    void refuse_body(Exchange& exchange, const http::Error& error, bool at_once);
    void send_at_once(Exchange& exchange);
    bool keep_body(Exchange& exchange, const char* data, std::size_t size);
    Exchange* slowest_upload(const Exchange* asking) const;
    void end_upload(Exchange& exchange);
    Said discard(Exchange& exchange, std::size_t size);
    Said take_body(Exchange& exchange, const char* data, std::size_t size);
    void expect_body(Exchange& exchange);
    std::optional<http::Error> lack_of_executors() const;
    void submit(Exchange& exchange);
    bool hand_over(Exchange& exchange, int job, std::string_view head);
    bool give_to_executors(Exchange& exchange);
    void wait(Exchange& exchange);
    void wait_again(Exchange& exchange);
    void stop_waiting(Exchange& exchange);
    void retry_without_job();

    // answers.cpp
    void hear(Exchange& exchange);
    bool head_has_come(Exchange& exchange) const;
    void begin_answer(Exchange& exchange);
    http::Error failure_of(const Exchange& exchange) const;
    MHD_Response* whole_answer(Exchange& exchange);
    MHD_Response* streamed_answer(Exchange& exchange);
    Said send_settled(Exchange& exchange);
    Said send_answer(Exchange& exchange);
    void count_answer() const;
    Said send_and_close(Exchange& exchange);
    Said send_instead(Exchange& exchange, const http::Error& error);
    Said queue(Exchange& exchange, int status, MHD_Response* response, const http::Headers& headers);
    void add_headers(Exchange& exchange, MHD_Response* response, const http::Headers& headers) const;
    void complete_headers(const Exchange& exchange, http::Headers& headers) const;
    void expect_progress(Exchange& exchange);
    void let_go(Exchange& exchange);
    void answer_instead(Exchange& exchange, const http::Error& error);
    void resume(Exchange& exchange);
    void suspend(Exchange& exchange);

    // clients.cpp
    void linger_if_due(const Client& client);
    void client_half_closed(Client& client);
    void client_went_away(Exchange& exchange);
    void cut_off(Exchange& exchange);
    void expect_head(Client& client, bool fresh);
    template <typename Clients>
    void hang_up(Clients& clients, std::int64_t since, bool tell);
    void give_up_body(Exchange& exchange, const http::Error& error);
    void end_slow_bodies(std::int64_t since);
    bool daemon_wants_to_run() const;
    void end_endless_lines(std::int64_t now);
    void end_slow_readers(std::int64_t since);
    void refuse_slow_head(Exchange& exchange);

    int index_;
    auth::TokenCache& cache_;
    const bool parses_in_place_;  // libmicrohttpd
    MHD_Daemon* daemon_ = nullptr;
    int watch_ = -1;
    int listening_ = -1;
    bool has_arrivals_ = false;
    std::int64_t accept_again_ = INT64_MAX;
    Lingering lingering_;
    Peers peers_;
    int most_connections_ = 0;
    int connections_ = 0;
    bool shutting_down_ = false;
    bool stopping_ = false;  // nothing may be suspended any more
    std::int64_t look_for_still_ = 0;
    bool resumed_ = false;  // libmicrohttpd has work that no socket tells of

    std::vector<Exchange*> by_job_;
    std::vector<int> news_;
    List<Exchange, &Exchange::alive> alive_;
    List<Exchange, &Exchange::waiting> waiting_;
    List<Exchange, &Exchange::receiving> receiving_;
    List<Exchange, &Exchange::sending> sending_;
    List<Exchange, &Exchange::recent> recent_;
    List<Exchange, &Exchange::without_job> without_job_;
    List<Client, &Client::half_closed_list> half_closed_;
    List<Client, &Client::fresh> fresh_clients_;
    List<Client, &Client::resting> resting_clients_;
};

std::int64_t now_milliseconds();

http::Error server_stops();

bool is_read(const Exchange& exchange);
// It is of no use to anyone when its client goes away.
bool ends_with_its_client(const Exchange& exchange);

// An answer as it goes over the wire, past libmicrohttpd. It ends the connection.
std::string text_of(const http::Response& response, bool is_head);

}  // namespace pgrest::listener
