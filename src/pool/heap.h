// What the C library does with freed memory.
#pragma once

namespace pgrest::pool {

// Large blocks are mapped one by one, so that freeing them gives them back whatever lies beside them. Without it the C
// library raises its threshold to the largest block that was freed (up to 32 MB), and one block that stays keeps
// everything below it. Once a process.
void settle_heap();

// Returns what is free on the heap to the system. Takes time in proportion to it.
void give_back_free_memory();

}  // namespace pgrest::pool
