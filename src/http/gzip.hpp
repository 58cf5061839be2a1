#pragma once

// zlib behind two small types. Synchronous; one thread each.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace drover::http {

/// Compresses as gzip, level 1: the cheapest that still shrinks XML by four fifths.
std::string gzip_compress(std::string_view data);

/// Compresses what comes in pieces.
class GzipWriter {
public:
    GzipWriter();
    ~GzipWriter();
    /// What is ready after this piece, perhaps nothing; with `last` all the rest.
    std::string add(std::string_view piece, bool last);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The content of a gzip stream, or nothing if it is broken, cut short, or larger than the limit.
std::optional<std::string> gzip_decompress(std::string_view data, std::uint64_t limit_bytes);

/// Decompresses a gzip stream that comes in pieces, of which each may expand a thousandfold: the
/// caller's room bounds what is produced at once.
class GzipReader {
public:
    enum class Status { more, end, broken };
    struct Step {
        std::size_t consumed = 0;
        std::size_t produced = 0;
        Status status = Status::more;
    };

    GzipReader();
    ~GzipReader();
    /// Data after the end of the stream is broken, except a further gzip member.
    Step step(std::string_view input, std::span<char> room);
    /// True where the input may end: after a complete member.
    bool at_end() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover::http
