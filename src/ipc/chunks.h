// Shared memory for bodies that do not fit into a job's own room: equal chunks in a list of free ones, so that nothing
// fragments and taking one costs the same always. The total is fixed when the server starts (pgrest.body_memory).
#pragma once

#include <cstddef>

#include "ipc/shared.h"

namespace pgrest::ipc {

// A chunk for a request's body on behalf of a listener. Uploads get at most three quarters of the memory, so that
// answers always go on; beyond: a sixteenth more, for those who hold little when others cannot give way at once.
// nothing = none left.
int take_upload_chunk(int listener, bool beyond);

// A chunk for an answer of which `in_flight` bytes wait for the client: those that hold much give way when memory runs
// low.
int take_answer_chunk(std::size_t in_flight);

void free_chunk(int chunk);
void free_chunk_list(int first);

// The list belongs to a job from now on.
void hand_over_chunks(int first);

// What a listener that ends held in unfinished requests.
void free_chunks_of_listener(int listener);

}  // namespace pgrest::ipc
