#pragma once

// Uploads in parts: what has arrived of a file stays for a while when its connection breaks, so
// that the client goes on where it was instead of beginning again.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "storage/blobs.hpp"

namespace drover::host::files {

/// Which part of a file a body holds (Content-Range, RFC 9110 section 14.4).
struct ContentRange {
    std::uint64_t first_byte = 0;
    std::uint64_t size_bytes = 0;  ///< of the part; 0: the sender asks how much is there
    std::uint64_t total_bytes = 0;

    friend bool operator==(const ContentRange&, const ContentRange&) = default;
};

/// "bytes 0-99/1000", or "bytes */1000", which asks. Nothing if it is neither, or if the total is
/// unknown or 0.
std::optional<ContentRange> parse_content_range(std::string_view text);

/// Thread-safe. Kept in memory: a restart of the daemon ends them all.
class PartialUploads {
public:
    static constexpr std::size_t kMost = 16;
    /// After the last byte.
    static constexpr std::chrono::minutes kKept{10};

    struct Key {
        std::string user;
        std::string path;
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    using Writer = std::shared_ptr<storage::FileWriter>;
    /// Dropping a writer touches its storage: whoever gets one drops it in this queue.
    struct Left {
        Writer writer;
        std::string queue;
    };
    /// A request's right to write; it ends when another request gets one for the same file.
    struct Turn {
        std::uint64_t number = 0;
        Writer writer;
        std::uint64_t received_bytes = 0;
    };

    explicit PartialUploads(const base::Clock& clock) : clock_(clock) {}

    /// How many bytes have arrived of a file of this size; 0 if nothing is known of it.
    std::uint64_t received(const Key& key, std::uint64_t total_bytes) const;

    /// A new upload; `replaced` takes what there was of the old one. Nothing if there are too many.
    std::optional<Turn> begin(const Key& key, std::uint64_t total_bytes, Left fresh,
                              Left& replaced);
    /// Goes on; nothing unless exactly so much has arrived. Whoever had the turn loses it.
    std::optional<Turn> go_on(const Key& key, std::uint64_t total_bytes, std::uint64_t from_byte);

    /// So much is written now. False if the turn is over.
    bool note(const Key& key, const Turn& turn, std::uint64_t received_bytes);
    /// Forgets the upload, because it is complete or can't go on. False if the turn is over.
    bool end(const Key& key, const Turn& turn);

    /// Takes one whose time is over, until there is none.
    std::optional<Left> take_old();
    /// True if nobody takes the old ones yet: the caller does from now on.
    bool start_sweeping();
    /// True if there is no upload any more: the caller's work is over.
    bool stop_sweeping_if_empty();

private:
    struct Upload {
        std::uint64_t number = 0;
        std::uint64_t total_bytes = 0;
        std::uint64_t received_bytes = 0;
        Left left;
        base::SteadyTime until;
    };

    Upload* find(const Key& key, const Turn& turn);

    const base::Clock& clock_;
    mutable std::mutex mutex_;
    std::map<Key, Upload> uploads_;
    std::uint64_t last_number_ = 0;
    bool is_swept_ = false;
};

}  // namespace drover::host::files
