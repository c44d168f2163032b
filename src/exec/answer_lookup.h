// Small steps that several kinds of request share.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "exec/answer_exchange.h"

namespace pgrest::exec {

// The relation of the request. Throws PGRST205 with a hint at a similar name.
std::shared_ptr<const catalog::Relation> find_relation(Exchange& exchange);

// A singular representation of anything but one row: PGRST116; the transaction is rolled back.
void check_singular(const answer::Representation& representation, std::int64_t rows);

// Runs EXPLAIN and answers with its output. binary_value: the value of the statement that is bytea, if there is one.
void answer_explained(Exchange& exchange, const answer::Representation& representation, const sql::Text& text,
                      std::optional<std::size_t> binary_value = {}, const BodyTable* table = nullptr);

// 416 after the statement: the error object with the headers of the normal answer. fail: throws the error.
void answer_beyond_total(Exchange& exchange, Draft& draft, std::int64_t total, const std::function<void()>& fail);

}  // namespace pgrest::exec
