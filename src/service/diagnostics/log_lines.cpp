#include "service/diagnostics/log_lines.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/file.hpp"

namespace drover::service {
namespace {

constexpr std::size_t kBlockBytes = 64 << 10;

// Takes the log's bytes, block by block, and keeps the wanted lines.
class Collector {
public:
    Collector(std::int64_t start, std::size_t count)
        : start_(std::max<std::int64_t>(start, 1)), most_(std::min(count, kMostLogLines)) {}

    void take(std::string_view block) {
        while (!block.empty()) {
            const auto end = block.find('\n');
            keep(block.substr(0, end));
            if (end == std::string_view::npos) return;
            end_line();
            block.remove_prefix(end + 1);
        }
    }

    /// True when nothing more is wanted.
    bool is_full() const {
        return number_ >= start_ && (result_.lines.size() >= most_ || bytes_ >= kMostLogBytes);
    }

    LogLines finish() {
        if (open_) end_line();  // the last line has no end yet
        const auto ends = static_cast<std::int32_t>(std::min<std::int64_t>(number_ - 1, INT32_MAX));
        if (result_.lines.empty()) {
            result_.first = result_.last = ends;
            return std::move(result_);
        }
        result_.first = static_cast<std::int32_t>(start_);
        result_.last = result_.first + static_cast<std::int32_t>(result_.lines.size()) - 1;
        return std::move(result_);
    }

private:
    bool is_wanted() const {
        return number_ >= start_ && result_.lines.size() < most_ && bytes_ < kMostLogBytes;
    }
    void keep(std::string_view part) {
        open_ = true;
        if (!is_wanted()) return;
        line_.append(part.substr(0, kMostLineBytes - std::min(kMostLineBytes, line_.size())));
    }
    void end_line() {
        if (is_wanted()) {
            std::ranges::replace_if(
                line_,
                [](char c) {
                    const auto byte = static_cast<unsigned char>(c);
                    return (byte < 0x20 && c != '\t') || byte == 0x7f;
                },
                '?');
            bytes_ += line_.size();
            result_.lines.push_back(std::move(line_));
        }
        line_.clear();
        open_ = false;
        ++number_;
    }

    const std::int64_t start_;
    const std::size_t most_;
    std::int64_t number_ = 1;  // of the line that is being read
    bool open_ = false;        // some of it is read
    std::string line_;
    std::size_t bytes_ = 0;
    LogLines result_;
};

}  // namespace

LogLines read_log_lines(const std::filesystem::path& path, std::int64_t start, std::size_t count) {
    const auto fail = [&path] {
        return std::system_error(errno, std::generic_category(), path.string());
    };
    const base::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) throw fail();
    Collector collector(start, count);
    std::array<char, kBlockBytes> block;
    while (!collector.is_full()) {
        const ssize_t got = ::read(file.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw fail();
        if (got == 0) break;
        collector.take({block.data(), static_cast<std::size_t>(got)});
    }
    return collector.finish();
}

}  // namespace drover::service
