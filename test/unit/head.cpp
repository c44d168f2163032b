// What is refused of a request's head, and how a gap in it shows.
#include "http/head.h"

#include <gtest/gtest.h>

#include <optional>

#include "http/error.h"

namespace http = pgrest::http;

namespace {

std::string code_of(std::string_view method, std::string_view target, std::string_view version,
                    const http::Headers& headers) {
    try {
        http::require_sound({method, target, version, headers});
        return "";
    } catch (const http::Failure& failure) {
        return failure.error().code;
    }
}

std::string code_of(std::string_view method, std::string_view target) {
    return code_of(method, target, "HTTP/1.1", {{"Host", "x"}});
}

std::string code_of(http::Headers headers) {
    headers.insert(headers.begin(), {"Host", "x"});
    return code_of("POST", "/items", "HTTP/1.1", headers);
}

// A head in memory, cut into its parts by hand.
struct Parts {
    std::string bytes;
    std::string_view between(std::size_t from, std::size_t to) const {
        return std::string_view(bytes).substr(from, to - from);
    }
};

}  // namespace

TEST(Head, TargetForms) {
    for (const char* target : {"/", "/items", "/items?x=%00&y=\xc3\xa4", "http://h", "HTTPS://h:1/x", "http://h?x"})
        EXPECT_EQ(code_of("GET", target), "") << target;
    for (const char* target : {"", "items", "*", "ftp://h/", "http://", "http:///x", "http:/x", "http://u@h/x",
                               "http://h#x/y", "http://h\\x/y", "/a b", "/a\tb", "/\x7f"})
        EXPECT_EQ(code_of("GET", target), "PGRST400") << target;
    EXPECT_EQ(code_of("OPTIONS", "*"), "");
    EXPECT_EQ(code_of("CONNECT", "h:443"), "PGRST117");
    EXPECT_EQ(code_of("GE T", "/"), "PGRST400");
    EXPECT_EQ(code_of("", "/"), "PGRST400");
}

TEST(Head, OriginForm) {
    EXPECT_EQ(http::origin_form("/items?a=b"), "/items?a=b");
    EXPECT_EQ(http::origin_form("http://h/items?a=b"), "/items?a=b");
    EXPECT_EQ(http::origin_form("http://h"), "/");
    EXPECT_EQ(http::origin_form("http://h?a=b"), "?a=b");
    EXPECT_EQ(http::origin_form("*"), "/");
}

TEST(Head, Host) {
    const auto with = [](const char* version, const http::Headers& headers) {
        return code_of("GET", "/", version, headers);
    };
    EXPECT_EQ(with("HTTP/1.1", {}), "PGRST400");
    EXPECT_EQ(with("HTTP/1.0", {}), "");
    EXPECT_EQ(with("HTTP/1.0", {{"Host", "x"}, {"Host", "x"}}), "PGRST400");
    for (const char* host : {"", "x", "x:80", "[::1]:80", "a.b-c_d~e", "%41"})
        EXPECT_EQ(with("HTTP/1.1", {{"Host", host}}), "") << host;
    for (const char* host : {"x/y", "x y", "x@y", "x?", "x#", "\\", "<x>"})
        EXPECT_EQ(with("HTTP/1.1", {{"Host", host}}), "PGRST400") << host;
}

TEST(Head, Framing) {
    EXPECT_EQ(code_of({{"Content-Length", "5"}}), "");
    EXPECT_EQ(code_of({{"Transfer-Encoding", "Chunked"}}), "");
    EXPECT_EQ(code_of({{"Content-Length", "5"}, {"content-length", "5"}}), "PGRST400");
    EXPECT_EQ(code_of({{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}), "PGRST400");
    EXPECT_EQ(code_of({{"Transfer-Encoding", "chunked"}, {"transfer-encoding", "chunked"}}), "PGRST400");
    for (const char* coding : {"", "identity", "gzip, chunked", "chunked ", "xchunked"})
        EXPECT_EQ(code_of({{"Transfer-Encoding", coding}}), "PGRST400") << coding;
    EXPECT_EQ(code_of("POST", "/", "HTTP/1.0", {{"Transfer-Encoding", "chunked"}}), "PGRST400");
}

TEST(Head, Fields) {
    EXPECT_EQ(code_of({{"X-1", "a\tb \xff"}}), "");
    for (const char* name : {"", "a b", "a:", "\xe4", "a\t"})
        EXPECT_EQ(code_of({{name, "v"}}), "PGRST400") << name;
    for (const char* value : {"a\rb", "a\nb", "a\x1b", "\x7f"})
        EXPECT_EQ(code_of({{"X", value}}), "PGRST400");
    EXPECT_EQ(code_of({{"X", std::string("a\0b", 3)}}), "PGRST400");
}

TEST(HeadLayout, SeamlessIsNothingButTheGrammar) {
    //                    0123456789012345 67890123456789 0 12345678 9 0
    const Parts parts{"GET / HTTP/1.1\r\nHost: \t x\r\nA:\r\n\r\n"};
    const auto walk = [&](std::size_t host_ends, std::size_t last_begins, std::size_t size) {
        http::HeadLayout layout(parts.between(0, 3), parts.between(4, 5), parts.between(6, 14));
        layout.add(parts.between(16, 20), parts.between(24, host_ends));
        layout.add(parts.between(last_begins, last_begins + 1), parts.between(last_begins + 2, last_begins + 2));
        return layout.is_seamless(size);
    };
    EXPECT_TRUE(walk(25, 27, parts.bytes.size()));
    EXPECT_FALSE(walk(24, 27, parts.bytes.size()));      // a value that was cut
    EXPECT_FALSE(walk(25, 26, parts.bytes.size()));      // a line that ended with one byte
    EXPECT_FALSE(walk(25, 28, parts.bytes.size()));      // something between two lines
    EXPECT_FALSE(walk(25, 27, parts.bytes.size() - 1));  // an empty line of one byte
    EXPECT_FALSE(walk(25, 27, parts.bytes.size() + 9));  // something in the empty line
}

TEST(HeadLayout, RequestLine) {
    const Parts parts{"GET  / HTTP/1.1\r\n\r\n"};
    const auto walk = [&](std::size_t method_ends, std::size_t target_begins) {
        return http::HeadLayout(parts.between(0, method_ends), parts.between(target_begins, 6), parts.between(7, 15))
            .is_seamless(parts.bytes.size());
    };
    EXPECT_TRUE(walk(4, 5));
    EXPECT_FALSE(walk(3, 5));  // two spaces
    EXPECT_FALSE(walk(1, 5));  // a method that was cut
}

TEST(HeadLayout, ANameThatReachesIntoItsValueWasJoined) {
    const Parts parts{"GET / HTTP/1.1\r\nA: b\r\n\r\n"};
    http::HeadLayout layout(parts.between(0, 3), parts.between(4, 5), parts.between(6, 14));
    layout.add(parts.between(16, 20), parts.between(19, 20));
    EXPECT_FALSE(layout.is_seamless(parts.bytes.size()));
}
