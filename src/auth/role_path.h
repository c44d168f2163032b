// Where in the claims the role is (setting jwt_role_claim_key): a JSON Path (RFC 9535, as far as docs/settings.md lists
// it), or the older dotted syntax. Parsed once per configuration; evaluation is bounded in depth and work.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pgrest::auth {

class RolePath {
public:
    // Null when the text is neither.
    static std::shared_ptr<const RolePath> parse(std::string_view text);

    virtual ~RolePath() = default;
    // The role that claims (a JSON object) name: the first value found. A string as it stands, any other value as its
    // JSON text. Nothing when there is none.
    virtual std::optional<std::string> find(std::string_view claims) const = 0;
    // Written in the older syntax.
    virtual bool is_deprecated() const = 0;
};

}  // namespace pgrest::auth
