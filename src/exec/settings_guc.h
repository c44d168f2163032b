// Server parameters set for one transaction. May ereport; C in its use of memory.
#pragma once

namespace pgrest::exec {

// SET LOCAL name = value, with the rights of the current user. saved: the way a function's SET clause does it, put back
// with its nest level (pgrest.request()).
void set_local(const char* name, const char* value, bool saved);

// The value of a parameter as text, "" when there is none or it is not set. palloc'd or static.
const char* value_of_setting(const char* name);

// Is it a parameter that the server knows, and may the current user set it?
bool may_set(const char* name);

}  // namespace pgrest::exec
