// Messages between listener and executor (http/wire.h).
#include <gtest/gtest.h>

#include "http/wire.h"

namespace wire = pgrest::http::wire;
using pgrest::auth::Identity;
using pgrest::http::Headers;
using pgrest::http::Request;

namespace {

Request some_request() {
    Request request;
    request.method = "POST";
    request.path = "/people%20";
    request.query = "select=*&name=eq.\"a\"";
    request.headers = {{"Accept", "*/*"}, {"X-Empty", ""}, {"accept", "text/csv"}};
    return request;
}

std::string some_bytes() {
    return wire::encode_request(some_request(), {"clerk", R"({"role":"clerk"})", true});
}

}  // namespace

TEST(Wire, RequestComesBackAsItWas) {
    const wire::DecodedRequest decoded = wire::decode_request(some_bytes());
    const Request expected = some_request();
    EXPECT_EQ(decoded.request.method, expected.method);
    EXPECT_EQ(decoded.request.path, expected.path);
    EXPECT_EQ(decoded.request.query, expected.query);
    ASSERT_EQ(decoded.request.headers.size(), 3u);
    EXPECT_EQ(decoded.request.headers[1].value, "");
    EXPECT_EQ(decoded.request.headers[2].name, "accept");
    EXPECT_EQ(decoded.identity.role, "clerk");
    EXPECT_EQ(decoded.identity.claims, R"({"role":"clerk"})");
    EXPECT_TRUE(decoded.identity.authenticated);
}

TEST(Wire, KeepsZeroBytes) {
    Request request;
    request.method = "GET";
    request.path = std::string("/a\0b", 4);
    const wire::DecodedRequest decoded = wire::decode_request(wire::encode_request(request, Identity{}));
    EXPECT_EQ(decoded.request.path.size(), 4u);
    EXPECT_FALSE(decoded.identity.authenticated);
}

TEST(Wire, AnswerHeadComesBackAsItWas) {
    const Headers headers{{"Content-Type", "application/json"}, {"Set-Cookie", "a"}, {"Set-Cookie", "b"}};
    const wire::AnswerHead head = wire::decode_answer_head(wire::encode_answer_head(206, "Partial", headers, 0));
    EXPECT_EQ(head.status, 206);
    EXPECT_EQ(head.reason, "Partial");
    ASSERT_TRUE(head.content_length.has_value());
    EXPECT_EQ(*head.content_length, 0u);
    EXPECT_EQ(head.headers.size(), 3u);
    EXPECT_FALSE(wire::decode_answer_head(wire::encode_answer_head(200, "", {}, {})).content_length.has_value());
}

TEST(Wire, RefusesEveryTruncation) {
    const std::string bytes = some_bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_THROW(wire::decode_request(std::string_view(bytes).substr(0, size)), wire::Malformed) << size;
    EXPECT_THROW(wire::decode_request(bytes + "x"), wire::Malformed);
}

TEST(Wire, RefusesImpossibleLengths) {
    std::string bytes = some_bytes();
    for (std::size_t i = 0; i < 8; ++i)
        bytes[i] = '\xff';
    EXPECT_THROW(wire::decode_request(bytes), wire::Malformed);
}
