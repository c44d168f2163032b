#include "exec/body.h"

#include <algorithm>
#include <cstring>

#include "pg/guard.h"

namespace pgrest::exec {

namespace {

constexpr std::size_t kFirstChunk = 8 * 1024;
constexpr std::size_t kChunk = 64 * 1024;

// Of an answer that cannot be sent before its end is known. More would be a way to use up the machine's memory, after
// which the system ends an executor, and PostgreSQL restarts.
constexpr std::uint64_t kMostHeld = std::uint64_t{1} << 30;

}  // namespace

struct Body::Chunk {
    Chunk* next;
    std::size_t used;
    std::size_t capacity;
    char* data() { return reinterpret_cast<char*>(this + 1); }
};

Body::Body(http::ResponseSink& sink, std::size_t threshold, Overflow overflow, void* context)
    : sink_(sink), threshold_(threshold), overflow_(overflow), context_(context) {}

Body::Body(http::ResponseSink& sink) : sink_(sink) {}

Body::~Body() {
    clear();
}

void Body::clear() {
    for (Chunk* chunk = first_; chunk;) {
        Chunk* next = chunk->next;
        pfree(chunk);
        chunk = next;
    }
    first_ = last_ = nullptr;
    size_ = 0;
}

void Body::append(const char* data, std::size_t size) {
    if (overflow_ && !streaming_ && size_ + size > threshold_) {
        overflow_(context_);
        streaming_ = true;
        flush();
    }
    if (!streaming_ && size_ + size > kMostHeld)
        ereport(ERROR,
                (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("the answer is larger than 1 GB"),
                 errhint("Only reads that are neither counted nor of a single row are sent while they are made.")));
    size_ += size;
    while (size > 0) {
        if (!last_ || last_->used == last_->capacity) {
            if (streaming_) flush();
            const std::size_t capacity = first_ ? kChunk : kFirstChunk;
            // outlives the transaction: a write is answered after its commit
            auto* chunk = static_cast<Chunk*>(MemoryContextAlloc(TopMemoryContext, sizeof(Chunk) + capacity));
            chunk->next = nullptr;
            chunk->used = 0;
            chunk->capacity = capacity;
            (last_ ? last_->next : first_) = chunk;
            last_ = chunk;
        }
        const std::size_t part = std::min(size, last_->capacity - last_->used);
        std::memcpy(last_->data() + last_->used, data, part);
        last_->used += part;
        data += part;
        size -= part;
    }
}

void Body::append_guarded(std::string_view text) {
    pg::guarded([this, text] { append(text.data(), text.size()); });
}

void Body::flush() {
    while (first_) {
        Chunk* chunk = first_;
        if (chunk->used > 0) sink_.write(chunk->data(), chunk->used);
        first_ = chunk->next;
        if (!first_) last_ = nullptr;
        pfree(chunk);
    }
}

void Body::send() {
    pg::guarded([this] { flush(); });
}

}  // namespace pgrest::exec
