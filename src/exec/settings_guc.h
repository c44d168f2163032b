// Server parameters set for one transaction. May ereport; C in its use of memory.
#pragma once

namespace pgrest::exec {

// SET LOCAL name = value, with the rights of the current user. saved: the way a function's SET clause does it, put back
// with its nest level (pgrest.request()).
void set_local(const char* name, const char* value, bool saved);

// The same, where a value that PostgreSQL refuses is no error but a message of that level and false.
bool try_set_local(const char* name, const char* value, bool saved, int level);

// Whether PostgreSQL would take the value now; nothing is set.
bool can_be_set(const char* name, const char* value);

// The value of a parameter as text, "" when there is none or it is not set. palloc'd or static.
const char* value_of_setting(const char* name);

// Is it a parameter that the server knows, and may the current user set it?
bool may_set(const char* name);

}  // namespace pgrest::exec
