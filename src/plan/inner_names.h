// Names that a statement gives to things of its own. None can be taken for a name of the database or of the request:
// tables of the statement are referred to by name alone, so two of them in sight of each other differ, also when
// PostgreSQL cuts names; columns that are no part of the answer begin as no column of the answer does. Pure C++.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace pgrest::plan {

class InnerNames {
public:
    // For a table of the statement: the wanted name, which a reader of error messages understands, unless PostgreSQL
    // would cut it or it is one of the others.
    std::string table(std::string wanted, std::initializer_list<std::string_view> others);

private:
    int made_ = 0;
};

// What none of the names begins with.
std::string unused_prefix(const std::vector<std::string>& names);

}  // namespace pgrest::plan
