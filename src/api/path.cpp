#include "api/parse.h"
#include "http/error.h"

namespace pgrest::api {

namespace {

[[noreturn]] void fail_path() {
    http::fail("PGRST125", "The path names no resource: /, /NAME and /rpc/NAME do");
}

}  // namespace

Resource parse_path(std::string_view path) {
    if (path.empty() || path.front() != '/') fail_path();
    path.remove_prefix(1);
    if (path.empty()) return {ResourceKind::Root, {}};
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return {ResourceKind::Relation, percent_decode(path, false)};
    const std::string_view name = path.substr(slash + 1);
    if (percent_decode(path.substr(0, slash), false) != "rpc" || name.find('/') != std::string_view::npos) fail_path();
    return {ResourceKind::Function, percent_decode(name, false)};
}

}  // namespace pgrest::api
