// Logic trees: what is parsed, written back and parsed again is the same, and no tree is deeper than its limit.
#include <algorithm>

#include "api/parse.h"
#include "check.h"
#include "print.h"

using namespace pgrest;

namespace {

constexpr int kDeepest = 65;

int depth_of(const api::LogicTree& tree) {
    int deepest = 0;
    for (const api::LogicNode& node : tree.nodes)
        if (const auto* inner = std::get_if<api::LogicTree>(&node.value)) deepest = std::max(deepest, depth_of(*inner));
    return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    if (!json::valid_utf8(text)) return 0;  // parse_query() has refused such text before
    const auto tree = fuzz::accepted({"PGRST100"}, [&] { return api::parse_logic_tree(text, false, true); });
    if (!tree) return 0;
    fuzz::require(!tree->nodes.empty() && depth_of(*tree) <= kDeepest, "a tree has nodes and a bounded depth");
    const std::string printed = fuzz::print(*tree);
    fuzz::require(fuzz::print(api::parse_logic_tree(printed, false, true)) == printed,
                  "a tree keeps its meaning when written back");
    return 0;
}
