// base64url and the lenient base64 of secrets: each text has one meaning, each meaning one text.
#include "auth/base64url.h"
#include "check.h"

using namespace pgrest;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    const std::string encoded = auth::base64url_encode(text);
    fuzz::require(auth::base64url_decode(encoded) == text, "encoded bytes decode to what they were");
    if (const auto decoded = auth::base64url_decode(text))
        fuzz::require(auth::base64url_encode(*decoded) == text, "no two texts decode to the same bytes");
    std::string padded = encoded;
    while (padded.size() % 4 != 0)
        padded += '=';
    fuzz::require(auth::decode_secret(" " + padded + "\n") == text, "a padded secret decodes to what it was");
    if (const auto secret = auth::decode_secret(text))
        fuzz::require(secret->size() <= text.size() / 4 * 3, "a secret is shorter than its text");
    return 0;
}
