// The body of a request while it comes in: its beginning in this process, the rest in shared chunks. Nothing else of
// the pool is taken before it is complete, so that slow clients hold up no one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgrest::listener {

class Upload {
public:
    explicit Upload(int listener = 0) : listener_(listener) {}
    ~Upload() { clear(); }
    Upload(const Upload&) = delete;
    Upload& operator=(const Upload&) = delete;

    void belongs_to(int listener) { listener_ = listener; }
    // How much of it has been kept: less when shared memory has run out.
    std::size_t append(const char* data, std::size_t size);
    // All of it, for which it may go a little beyond what uploads get together. False when that has run out too.
    bool append_beyond(const char* data, std::size_t size);
    std::uint64_t size() const { return size_; }
    bool holds_chunks() const { return first_ != -1; }
    void clear();

    // Puts head and body into the job's memory, which takes the chunks over. False when shared memory has run out.
    // beyond: as above.
    bool hand_over(int job, std::string_view head, bool beyond);

private:
    std::size_t append_to_chunks(const char* data, std::size_t size, bool beyond);

    int listener_;
    std::string beginning_;
    std::uint64_t size_ = 0;
    int first_ = -1;
    int last_ = -1;
};

}  // namespace pgrest::listener
