// The line that the server log has of a failed request.
#include "http/log_text.h"

#include <gtest/gtest.h>

namespace http = pgrest::http;

namespace {

http::Request request(std::string method, std::string path) {
    http::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.query = "password=eq.hidden";
    request.headers = {{"Authorization", "Bearer hidden"}};
    return request;
}

}  // namespace

TEST(LogText, HoldsWhatIsNeededAndNothingElse) {
    const http::Error error = http::own_error("PGRST003", "line\nbreak", "more");
    EXPECT_EQ(http::log_text(request("GET", "/items"), error),
              "GET /items answered with 504: "
              R"({"code":"PGRST003","details":"more","hint":null,"message":"line\nbreak"})");
}

TEST(LogText, EncodesWhatATerminalWouldObey) {
    const std::string line = http::log_text(request("G\x1b", "/a\r\n\x7f\xff"), http::own_error("PGRST003", "m"));
    EXPECT_EQ(line.substr(0, line.find(" answered")), "G%1B /a%0D%0A%7F%FF");
}

TEST(LogText, NamesARequestByMethodAndPath) {
    EXPECT_EQ(http::request_line(request("GET", "/d\xC3\xA9j\xC3\xA0/\xF0")), "GET /d%C3%A9j%C3%A0/%F0");
}

TEST(LogText, CutsLongPaths) {
    const std::string line = http::log_text(request("GET", std::string(5000, '/')), http::own_error("PGRST003", "m"));
    EXPECT_LT(line.size(), 400u);
    EXPECT_NE(line.find("/... answered with 504"), std::string::npos);
}
