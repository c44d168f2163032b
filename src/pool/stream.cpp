#include "pool/stream.h"

#include <algorithm>
#include <cstring>

#include "pool/chunks.h"

namespace pgrest::pool {

// ---------------------------------------------------------------- producer
void StreamWriter::begin(Job& job, std::uint64_t window) {
    *this = StreamWriter();
    job_ = &job;
    window_ = window;
}

char* StreamWriter::buffer() const {
    return chunk_ == nothing ? job_->room : bytes_of_chunk(chunk_);
}
std::size_t StreamWriter::capacity() const {
    return chunk_ == nothing ? inline_size : chunk_size;
}

bool StreamWriter::open_next_buffer() {
    const std::uint64_t in_flight = produced_ - job_->answer.consumed.load(std::memory_order_acquire);
    out_of_memory_ = false;
    if (in_flight >= window_) return false;
    const int next = take_answer_chunk(in_flight);
    if (next == nothing) {
        out_of_memory_ = true;
        return false;
    }
    // published by the next store to `produced`
    if (chunk_ == nothing)
        job_->answer.after_room = next;
    else
        shared()->chunks[chunk_].next = next;
    chunk_ = next;
    offset_ = 0;
    return true;
}

std::size_t StreamWriter::write_some(const char* data, std::size_t size) {
    if (offset_ == capacity() && !open_next_buffer()) return 0;
    const std::size_t taken = std::min(size, capacity() - offset_);
    std::memcpy(buffer() + offset_, data, taken);
    offset_ += taken;
    produced_ += taken;
    job_->answer.produced.store(produced_, std::memory_order_release);
    if (offset_ == capacity()) filled_up_ = true;
    return taken;
}

// ---------------------------------------------------------------- consumer
void StreamReader::begin(Job& job) {
    *this = StreamReader();
    job_ = &job;
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

bool StreamReader::exhausted() const {
    return end() != StreamEnd::Open && available() == 0;
}

// Only called when more has been produced than the current buffer holds, so the link is there.
void StreamReader::open_next_buffer() {
    const int finished = chunk_;
    chunk_ = finished == nothing ? job_->answer.after_room : shared()->chunks[finished].next;
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
    // ordered against producer_waits: either we see the flag, or the producer sees what was consumed
    job_->answer.consumed.store(consumed_, std::memory_order_seq_cst);
    return total;
}

bool StreamReader::producer_waits() {
    return job_->answer.producer_waits.exchange(false, std::memory_order_seq_cst);
}

// ---------------------------------------------------------------- both
void reset_stream(Stream& stream) {
    stream.produced = 0;
    stream.consumed = 0;
    stream.end = StreamEnd::Open;
    stream.producer_waits = false;
    stream.after_room = nothing;
    stream.reading = nothing;
}

void free_stream(Stream& stream) {
    free_chunk_list(stream.reading == nothing ? stream.after_room : stream.reading);
    stream.after_room = stream.reading = nothing;
}

}  // namespace pgrest::pool
