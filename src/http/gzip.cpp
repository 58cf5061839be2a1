#include "http/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace drover::http {
namespace {

constexpr int gzip_window_bits = 15 + 16;  // zlib's way to say: gzip header, 32 KiB window

// A deflate state takes 256 KiB to allocate and clear; each thread keeps one.
class Deflater {
public:
    Deflater() {
        if (deflateInit2(&stream_, 1, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
    ~Deflater() { deflateEnd(&stream_); }

    std::string run(std::string_view data) {
        deflateReset(&stream_);
        std::string out;
        out.resize(deflateBound(&stream_, static_cast<uLong>(data.size())));
        // avail_in and avail_out are 32 bits wide: feed large bodies in slices.
        constexpr std::size_t slice = 1u << 30;
        std::size_t consumed = 0;
        std::size_t produced = 0;
        int result = Z_OK;
        while (result != Z_STREAM_END) {
            const auto in = std::min(slice, data.size() - consumed);
            const auto room = std::min(slice, out.size() - produced);
            stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data() + consumed));
            stream_.avail_in = static_cast<uInt>(in);
            stream_.next_out = reinterpret_cast<Bytef*>(out.data() + produced);
            stream_.avail_out = static_cast<uInt>(room);
            result = deflate(&stream_, consumed + in == data.size() ? Z_FINISH : Z_NO_FLUSH);
            consumed += in - stream_.avail_in;
            produced += room - stream_.avail_out;
            if (result == Z_STREAM_ERROR) throw std::bad_alloc();
        }
        out.resize(produced);
        return out;
    }

private:
    z_stream stream_{};
};

}  // namespace

std::string gzip_compress(std::string_view data) {
    thread_local Deflater deflater;
    return deflater.run(data);
}

struct GzipWriter::State {
    z_stream stream{};
};

GzipWriter::GzipWriter() : state_(std::make_unique<State>()) {
    if (deflateInit2(&state_->stream, 1, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        throw std::bad_alloc();
}

GzipWriter::~GzipWriter() {
    deflateEnd(&state_->stream);
}

std::string GzipWriter::add(std::string_view piece, bool last) {
    auto& stream = state_->stream;
    std::string out;
    std::size_t produced = 0;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    for (;;) {
        if (produced == out.size()) out.resize(produced + piece.size() / 4 + 4096);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + produced);
        stream.avail_out = static_cast<uInt>(out.size() - produced);
        const int result = deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
        produced = out.size() - stream.avail_out;
        if (result == Z_STREAM_ERROR) throw std::bad_alloc();
        if (last ? result == Z_STREAM_END : stream.avail_out > 0) break;
    }
    out.resize(produced);
    return out;
}

std::optional<std::string> gzip_decompress(std::string_view data, std::uint64_t limit_bytes) {
    GzipReader reader;
    std::string out;
    std::size_t size = 0;
    while (!data.empty() || !reader.at_end()) {
        if (size == out.size()) out.resize(std::max<std::size_t>(4096, out.size() * 2));
        const auto step = reader.step(data, std::span(out).subspan(size));
        data.remove_prefix(step.consumed);
        size += step.produced;
        if (step.status == GzipReader::Status::broken || size > limit_bytes) return std::nullopt;
        if (step.consumed == 0 && step.produced == 0 && size < out.size()) return std::nullopt;
    }
    out.resize(size);
    return out;
}

struct GzipReader::State {
    z_stream stream{};
    bool started = false;  // a member has begun and not ended
    bool member_done = false;
};

GzipReader::GzipReader() : state_(std::make_unique<State>()) {
    if (inflateInit2(&state_->stream, gzip_window_bits) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() {
    inflateEnd(&state_->stream);
}

bool GzipReader::at_end() const {
    return state_->member_done && !state_->started;
}

GzipReader::Step GzipReader::step(std::string_view input, std::span<char> room) {
    Step result;
    if (at_end()) {
        if (input.empty()) {
            result.status = Status::end;
            return result;
        }
        inflateReset(&state_->stream);
    }
    state_->started = true;
    constexpr std::size_t slice = 1u << 30;
    const auto in = std::min(slice, input.size());
    const auto out = std::min(slice, room.size());
    auto& stream = state_->stream;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(out);
    const int code = inflate(&stream, Z_NO_FLUSH);
    result.consumed = in - stream.avail_in;
    result.produced = out - stream.avail_out;
    if (code == Z_STREAM_END) {
        state_->started = false;
        state_->member_done = true;
        if (result.consumed == input.size()) result.status = Status::end;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
        result.status = Status::broken;
    }
    return result;
}

}  // namespace drover::http
