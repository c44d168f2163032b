// JSON Path. The first line is the path, the rest the document: what is found is a value of the document, and the work
// is bounded (-timeout is the judge of that).
#include "auth/json_path.h"
#include "check.h"

using namespace pgrest;

namespace {

// Regular expressions come from the administrator and are the C library's business, which bounds neither its memory
// for nested repetitions nor its time for back references.
bool leads_to_the_regex_library(std::string_view path) {
    return path.find("search") != std::string_view::npos && path.find_first_of("{\\") != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::string_view text = input.line();
    const std::string_view document = input.rest();
    if (leads_to_the_regex_library(text)) return 0;
    const auto path = auth::JsonPath::parse(text);
    const auto root = json::parse(document);
    if (!path || !root) return 0;
    const auto found = path->first(*root);
    if (text == "$") fuzz::require(found && found->text == root->text, "$ is the document");
    if (!found) return 0;
    fuzz::require(found->text.data() >= root->text.data() &&
                      found->text.data() + found->text.size() <= root->text.data() + root->text.size(),
                  "what is found lies in the document");
    fuzz::require_json(found->text, found->kind, "what is found is a value");
    const auto again = path->first(*root);
    fuzz::require(again && again->text == found->text, "the same is found every time");
    return 0;
}
