#include "ipc/stream.h"

#include <algorithm>
#include <cstring>

#include "ipc/assert.h"
#include "ipc/chunks.h"
#include "ipc/jobs.h"

namespace pgrest::ipc {

// ---------------------------------------------------------------- producer
void StreamWriter::begin(int job, std::uint64_t window) {
    *this = StreamWriter();
    job_ = &shared()->jobs[job];
    window_ = window;
}

char* StreamWriter::buffer() const {
    return chunk_ == nothing ? job_->room : bytes_of_chunk(chunk_);
}
std::size_t StreamWriter::capacity() const {
    return chunk_ == nothing ? inline_size : chunk_size;
}

Room StreamWriter::open_next_buffer() {
    const std::uint64_t in_flight = produced_ - consumed();
    PGREST_ASSERT(in_flight <= produced_);
    if (in_flight >= window_) return Room::ClientIsSlow;
    const int next = take_answer_chunk(in_flight);
    if (next == nothing) return Room::NoMemory;
    // published by the next store to `produced`
    if (chunk_ == nothing)
        job_->answer.after_room = next;
    else
        shared()->chunks[chunk_].next = next;
    chunk_ = next;
    offset_ = 0;
    return Room::Here;
}

Room StreamWriter::find_room() {
    return offset_ < capacity() ? Room::Here : open_next_buffer();
}

std::size_t StreamWriter::write_some(const char* data, std::size_t size) {
    if (find_room() != Room::Here) return 0;
    const std::size_t taken = std::min(size, capacity() - offset_);
    std::memcpy(buffer() + offset_, data, taken);
    offset_ += taken;
    produced_ += taken;
    job_->answer.produced.store(produced_, std::memory_order_release);
    if (offset_ == capacity()) filled_up_ = true;
    return taken;
}

// ---------------------------------------------------------------- consumer
void StreamReader::begin(int job) {
    *this = StreamReader();
    index_ = job;
    job_ = &shared()->jobs[job];
}

const char* StreamReader::buffer() const {
    return chunk_ == nothing ? job_->room : bytes_of_chunk(chunk_);
}
std::size_t StreamReader::capacity() const {
    return chunk_ == nothing ? inline_size : chunk_size;
}

std::uint64_t StreamReader::available() const {
    return job_->answer.produced.load(std::memory_order_acquire) - consumed_;
}

StreamEnd StreamReader::end() const {
    return job_->answer.end.load(std::memory_order_acquire);
}

// Only called when more has been produced than the current buffer holds, so the link is there.
void StreamReader::open_next_buffer() {
    const int finished = chunk_;
    chunk_ = finished == nothing ? job_->answer.after_room : shared()->chunks[finished].next;
    PGREST_ASSERT(chunk_ != nothing && shared()->chunks[chunk_].holder == ChunkHolder::Job);
    job_->answer.reading = chunk_;
    offset_ = 0;
    if (finished != nothing) free_chunk(finished);
}

std::size_t StreamReader::read_some(char* to, std::size_t size) {
    std::size_t total = 0;
    std::uint64_t left = available();
    while (left > 0 && total < size) {
        if (offset_ == capacity()) open_next_buffer();
        const std::size_t taken =
            static_cast<std::size_t>(std::min<std::uint64_t>({size - total, left, capacity() - offset_}));
        std::memcpy(to + total, buffer() + offset_, taken);
        offset_ += taken;
        total += taken;
        left -= taken;
    }
    consumed_ += total;
    // in this order: either the flag is seen here, or the producer sees what was consumed
    job_->answer.consumed.store(consumed_, std::memory_order_seq_cst);
    if (job_->answer.producer_waits.load(std::memory_order_seq_cst) &&
        job_->answer.producer_waits.exchange(false, std::memory_order_seq_cst))
        wake_executor(index_);
    return total;
}

// ---------------------------------------------------------------- both
void reset_stream(Stream& stream) {
    stream.produced = 0;
    stream.consumed = 0;
    stream.end = StreamEnd::Open;
    stream.producer_waits = false;
    PGREST_ASSERT(stream.after_room == nothing && stream.reading == nothing);
}

void free_stream(Stream& stream) {
    free_chunk_list(stream.reading == nothing ? stream.after_room : stream.reading);
    stream.after_room = stream.reading = nothing;
}

}  // namespace pgrest::ipc
