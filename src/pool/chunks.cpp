#include "pool/chunks.h"

namespace pgrest::pool {

namespace {

// An answer that holds less than this may use the last chunk.
constexpr std::size_t modest = 16 * chunk_size;

int take(Shared& all, bool upload, int listener) {
    const int chunk = all.first_free_chunk;
    if (chunk == nothing) return nothing;
    all.first_free_chunk = all.chunks[chunk].next;
    --all.free_chunks;
    if (upload) ++all.upload_chunks;
    all.chunks[chunk] = {nothing, 0, upload, listener};
    return chunk;
}

void put_back(Shared& all, int chunk) {
    if (all.chunks[chunk].upload) --all.upload_chunks;
    all.chunks[chunk] = {all.first_free_chunk, 0, false, nothing};
    all.first_free_chunk = chunk;
    ++all.free_chunks;
}

}  // namespace

int take_upload_chunk(int listener) {
    Shared& all = *shared();
    const Locked locked(all.chunk_lock);
    if (all.upload_chunks >= all.chunk_count / 4 * 3) return nothing;
    return take(all, /* upload */ true, listener);
}

int take_answer_chunk(std::size_t in_flight) {
    Shared& all = *shared();
    const Locked locked(all.chunk_lock);
    if (in_flight > modest && all.free_chunks < all.chunk_count / 8) return nothing;
    return take(all, /* upload */ false, nothing);
}

void free_chunk(int chunk) {
    Shared& all = *shared();
    const Locked locked(all.chunk_lock);
    put_back(all, chunk);
}

void free_chunk_list(int first) {
    if (first == nothing) return;
    Shared& all = *shared();
    const Locked locked(all.chunk_lock);
    while (first != nothing) {
        const int next = all.chunks[first].next;
        put_back(all, first);
        first = next;
    }
}

void hand_over_chunks(int first) {
    Shared& all = *shared();
    const Locked locked(all.chunk_lock);
    for (int chunk = first; chunk != nothing; chunk = all.chunks[chunk].next)
        all.chunks[chunk].listener = nothing;
}

void free_chunks_of_listener(int listener) {
    Shared& all = *shared();
    const Locked locked(all.chunk_lock);
    for (int chunk = 0; chunk < all.chunk_count; ++chunk) {
        if (all.chunks[chunk].upload && all.chunks[chunk].listener == listener) put_back(all, chunk);
    }
}

}  // namespace pgrest::pool
