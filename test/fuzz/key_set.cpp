// jwt_secret as a text, a key or a set of keys: whatever it is, it is refused or usable, and nothing verifies what was
// not signed with it.
#include "auth/key_set.h"
#include "auth/hmac.h"
#include "check.h"

using namespace pgrest;
using Outcome = auth::KeySet::Outcome;

namespace {

constexpr std::string_view kData = "header.payload";
constexpr const char* kAlgorithms[] = {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
                                       "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};

bool verifies(const auth::KeySet& keys, const char* algorithm, const std::string& signature) {
    return keys.verify(algorithm, {}, kData, signature) == Outcome::Verified;
}

// The one key of a text secret, as far as the outcomes tell.
void check_text_secret(const auth::KeySet& keys, std::string_view secret) {
    fuzz::require(verifies(keys, "HS256", auth::hmac_sha2(256, secret, kData)), "a text secret verifies HS256");
    fuzz::require(!verifies(keys, "HS512", auth::hmac_sha2(512, secret, kData)), "a text secret verifies nothing else");
    fuzz::require(keys.verify("HS256", "k", kData, "") == Outcome::NoKey, "a text secret has no kid");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    const auto parsed = auth::KeySet::parse(text);
    if (const auto* reason = std::get_if<std::string>(&parsed)) {
        fuzz::require(!reason->empty() && reason->size() < 200, "a refusal has a short reason");
        return 0;
    }
    const auth::KeySet& keys = *std::get<std::shared_ptr<const auth::KeySet>>(parsed);
    fuzz::require(keys.verify("none", {}, kData, "") == Outcome::NoKey, "no key suits the algorithm none");
    for (const char* algorithm : kAlgorithms)
        for (const std::size_t length : {0, 1, 32, 64, 96, 132, 256})
            fuzz::require(!verifies(keys, algorithm, std::string(length, '\1')) &&
                              !verifies(keys, algorithm, std::string(length, '\2')),
                          "nothing verifies what was not signed");
    if (!json::parse(text)) check_text_secret(keys, text);
    return 0;
}
