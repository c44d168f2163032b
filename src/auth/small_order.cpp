#include "auth/small_order.h"

#include <openssl/evp.h>

#include <algorithm>
#include <string>

namespace pgrest::auth {

namespace {

// y of the points of order eight (RFC 8032: little-endian, the highest bit is the sign of x).
constexpr unsigned char kOrderEight[2][32] = {
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}};

std::string small_number(char value, std::size_t size) {
    return value + std::string(size - 1, '\0');
}

// The lowest byte of y replaced.
std::string with_lowest(std::string y, int value) {
    y[0] = static_cast<char>(value);
    return y;
}

// y = 0 (order four), 1 (one), -1 (two), order eight; then p and p + 1, which stand for 0 and 1.
bool is_small_on_25519(std::string y) {
    y.back() = static_cast<char>(y.back() & 0x7f);
    const std::string prime = with_lowest(std::string(31, '\xff') + '\x7f', 0xed);
    if (y == small_number(0, 32) || y == small_number(1, 32)) return true;
    if (y == with_lowest(prime, 0xec) || y == prime || y == with_lowest(prime, 0xee)) return true;
    return std::any_of(std::begin(kOrderEight), std::end(kOrderEight), [&](const auto& order_eight) {
        return std::equal(y.begin(), y.end(), std::begin(order_eight),
                          [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; });
    });
}

// p = 2^448 - 2^224 - 1, with a byte for the sign behind it; here the orders are one, two and four.
bool is_small_on_448(std::string y) {
    y.back() = static_cast<char>(y.back() & 0x7f);
    const std::string prime = std::string(28, '\xff') + '\xfe' + std::string(27, '\xff') + '\0';
    const std::string next = std::string(28, '\0') + std::string(28, '\xff') + '\0';
    return y == small_number(0, 57) || y == small_number(1, 57) || y == with_lowest(prime, 0xfe) || y == prime ||
           y == next;
}

}  // namespace

bool begins_with_small_order(std::string_view text, int type) {
    const std::size_t size = type == EVP_PKEY_ED25519 ? 32 : 57;
    if (text.size() < size) return false;
    const std::string point(text.substr(0, size));
    return type == EVP_PKEY_ED25519 ? is_small_on_25519(point) : is_small_on_448(point);
}

}  // namespace pgrest::auth
