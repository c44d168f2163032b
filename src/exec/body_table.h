// The rows of a request's body as a table of one statement (an ephemeral named relation, as transition tables of
// triggers are): values are converted row by row, and rows beyond work_mem lie in a temporary file. Conversions are
// those of json_to_record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/body_rows.h"
#include "api/parse.h"
#include "pg/postgres.h"

extern "C" {
#include "access/tupdesc.h"
}

namespace pgrest::exec {

struct BodyColumn {
    std::string name;
    std::uint32_t type = 0;  // 0: json
    std::int32_t type_modifier = -1;
};

struct BodyTable {
    const api::Payload& payload;
    std::vector<BodyColumn> columns;  // none: the statement needs no table
    bool elements = false;            // the table has one column of jsonb, each row as a whole, and not `columns`
};

// What distinguishes the plans of one text.
std::string key_of(const BodyTable& table);

struct BodyFeed;  // plain memory of the statement

class BodyLoader {
public:
    explicit BodyLoader(const BodyTable& table);
    BodyLoader(const BodyLoader&) = delete;
    BodyLoader& operator=(const BodyLoader&) = delete;

    // Makes the table known to what is prepared and run from now on. C: may ereport. SPI must be connected, and the
    // current memory context live as long as the connection.
    void announce();
    // Fills it. From C++: throws pg::Error.
    void load();
    // Frees its rows; not needed after an error. C: may ereport.
    void end();

private:
    void put_row();

    const BodyTable& table_;
    std::vector<std::string> names_;  // of its columns, as the server has them
    std::vector<const char*> texts_;  // the same as plain memory
    api::BodyRows rows_;
    BodyFeed* feed_ = nullptr;
};

}  // namespace pgrest::exec
