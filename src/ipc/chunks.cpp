#include "ipc/chunks.h"

#include "ipc/assert.h"

namespace pgrest::ipc {

namespace {

// An answer that holds less than this may use the last chunk.
constexpr std::size_t modest = 16 * chunk_size;

void count_upload(Shared& all, const Chunk& chunk, int change) {
    if (chunk.upload) all.upload_chunks += change;
    if (chunk.upload && chunk.listener != nothing) all.listeners[chunk.listener].upload_chunks += change;
}

int take(Shared& all, bool upload, int listener) {
    const int chunk = all.first_free_chunk;
    if (chunk == nothing) return nothing;
    PGREST_ASSERT(all.free_chunks > 0 && all.chunks[chunk].holder == ChunkHolder::Nobody);
    all.first_free_chunk = all.chunks[chunk].next;
    --all.free_chunks;
    const ChunkHolder holder = upload ? ChunkHolder::Listener : ChunkHolder::Job;
    all.chunks[chunk] = {.holder = holder, .upload = upload, .listener = listener};
    count_upload(all, all.chunks[chunk], 1);
    return chunk;
}

void put_back(Shared& all, int chunk) {
    PGREST_ASSERT(chunk >= 0 && chunk < all.chunk_count);
    PGREST_ASSERT(all.chunks[chunk].holder != ChunkHolder::Nobody);
    PGREST_ASSERT(all.free_chunks < all.chunk_count);
    count_upload(all, all.chunks[chunk], -1);
    PGREST_ASSERT(all.upload_chunks >= 0);
    all.chunks[chunk] = {.next = all.first_free_chunk};
    all.first_free_chunk = chunk;
    ++all.free_chunks;
}

// It is a job's from now on.
void leave_listener(Shared& all, Chunk& chunk) {
    PGREST_ASSERT(chunk.holder == ChunkHolder::Listener);
    count_upload(all, chunk, -1);
    chunk.holder = ChunkHolder::Job;
    chunk.listener = nothing;
    count_upload(all, chunk, 1);
}

// A listener can end its own uploads only. When another holds more than its share, that one is asked to, and until it
// has done so this one may go a little beyond what uploads get.
int holder_that_gives_way(const Shared& all, int listener) {
    int greatest = listener;
    for (int i = 0; i < all.listener_count; ++i)
        if (all.listeners[i].upload_chunks > all.listeners[greatest].upload_chunks) greatest = i;
    const int share = all.upload_chunks / all.listener_count;
    return greatest != listener && all.listeners[listener].upload_chunks < share ? greatest : nothing;
}

void ask_to_give_way(int listener) {
    Latch* latch = nullptr;
    {
        const Locked locked(shared()->lock, Access::Shared);
        shared()->listeners[listener].gives_way = true;
        latch = shared()->listeners[listener].latch;
    }
    set_if_any(latch);
}

}  // namespace

int take_upload_chunk(int listener, bool beyond) {
    Shared& all = *shared();
    int greatest = nothing;
    int chunk = nothing;
    {
        const Locked locked(all.chunk_lock);
        const int share = all.chunk_count / 4 * 3;
        if (all.upload_chunks >= share) greatest = holder_that_gives_way(all, listener);
        const int limit = beyond || greatest != nothing ? share + all.chunk_count / 16 : share;
        if (all.upload_chunks < limit) chunk = take(all, /* upload */ true, listener);
    }
    if (greatest != nothing) ask_to_give_way(greatest);
    return chunk;
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
        leave_listener(all, all.chunks[chunk]);
}

void free_chunks_of_listener(int listener) {
    Shared& all = *shared();
    const Locked locked(all.chunk_lock);
    for (int chunk = 0; chunk < all.chunk_count; ++chunk) {
        if (all.chunks[chunk].holder == ChunkHolder::Listener && all.chunks[chunk].listener == listener)
            put_back(all, chunk);
    }
}

}  // namespace pgrest::ipc
