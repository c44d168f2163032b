#include "listener/upload.h"

#include <algorithm>
#include <cstring>

#include "ipc/chunks.h"

namespace pgrest::listener {

namespace {

using ipc::bytes_of_chunk;
using ipc::chunk_size;
using ipc::inline_size;
using ipc::nothing;
using ipc::shared;

// Kept here until there is more: with an ordinary head it fits into the job's own room.
constexpr std::size_t beginning_size = inline_size / 2;

// Chunks filled one after the other.
class ChunkList {
public:
    ChunkList(int listener, int first, int last, bool beyond = false)
        : listener_(listener), first_(first), last_(last), beyond_(beyond) {}

    // How much of it there was room for.
    std::size_t append(const char* data, std::size_t size) {
        const std::size_t all = size;
        while (size > 0) {
            if (last_ == nothing || shared()->chunks[last_].used == chunk_size) {
                if (!extend()) break;
            }
            ipc::Chunk& chunk = shared()->chunks[last_];
            const std::size_t taken = std::min(size, chunk_size - chunk.used);
            std::memcpy(bytes_of_chunk(last_) + chunk.used, data, taken);
            chunk.used += static_cast<std::uint32_t>(taken);
            data += taken;
            size -= taken;
        }
        return all - size;
    }
    int first() const { return first_; }
    int last() const { return last_; }

private:
    bool extend() {
        const int chunk = ipc::take_upload_chunk(listener_, beyond_);
        if (chunk == nothing) return false;
        if (last_ == nothing)
            first_ = chunk;
        else
            shared()->chunks[last_].next = chunk;
        last_ = chunk;
        return true;
    }

    int listener_;
    int first_;
    int last_;
    bool beyond_;
};

}  // namespace

std::size_t Upload::append(const char* data, std::size_t size) {
    std::size_t taken = size;
    if (first_ == nothing && beginning_.size() + size <= beginning_size)
        beginning_.append(data, size);
    else
        taken = append_to_chunks(data, size, /* beyond */ false);
    size_ += taken;
    return taken;
}

bool Upload::append_beyond(const char* data, std::size_t size) {
    const std::size_t taken = append_to_chunks(data, size, /* beyond */ true);
    size_ += taken;
    return taken == size;
}

std::size_t Upload::append_to_chunks(const char* data, std::size_t size, bool beyond) {
    ChunkList list(listener_, first_, last_, beyond);
    const std::size_t taken = list.append(data, size);
    first_ = list.first();
    last_ = list.last();
    return taken;
}

void Upload::clear() {
    beginning_.clear();
    beginning_.shrink_to_fit();
    size_ = 0;
    if (first_ != nothing) ipc::free_chunk_list(first_);
    first_ = last_ = nothing;
}

// In the job: first the room, then chunks. What does not fit into the room goes into chunks before those of the body.
bool Upload::hand_over(int index, std::string_view head, bool beyond) {
    ipc::Job& job = shared()->jobs[index];
    const std::size_t of_head = std::min(head.size(), inline_size);
    const std::size_t of_beginning = std::min(beginning_.size(), inline_size - of_head);
    std::memcpy(job.room, head.data(), of_head);
    std::memcpy(job.room + of_head, beginning_.data(), of_beginning);

    ChunkList between(listener_, nothing, nothing, beyond);
    const std::size_t head_left = head.size() - of_head;
    const std::size_t beginning_left = beginning_.size() - of_beginning;
    const bool fits = between.append(head.data() + of_head, head_left) == head_left &&
                      between.append(beginning_.data() + of_beginning, beginning_left) == beginning_left;
    if (!fits) {
        if (between.first() != nothing) ipc::free_chunk_list(between.first());
        return false;
    }
    if (between.last() != nothing) shared()->chunks[between.last()].next = first_;
    job.inline_used = static_cast<std::uint32_t>(of_head + of_beginning);
    job.head_bytes = head.size();
    job.body_bytes = size_;
    job.request_chunks = between.first() != nothing ? between.first() : first_;
    if (job.request_chunks != nothing) ipc::hand_over_chunks(job.request_chunks);
    first_ = last_ = nothing;
    clear();
    return true;
}

}  // namespace pgrest::listener
