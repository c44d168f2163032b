// Points of small order on the curves of Ed25519 and Ed448. As a public key such a point verifies signatures that
// nobody has made; no honest signature begins with one. Pure C++.
#pragma once

#include <string_view>

namespace pgrest::auth {

// Does the text begin with the encoding of such a point, also one that is not canonical? type: EVP_PKEY_ED25519 or
// EVP_PKEY_ED448. Text that is too short for a point begins with none.
bool begins_with_small_order(std::string_view text, int type);

}  // namespace pgrest::auth
