#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace drover::service {

/// The web client as files that never change while the program runs: read once, served from
/// memory, so that no request names a path of this computer. Any thread.
class WebClient {
public:
    static constexpr std::uint64_t kMostFileBytes = 16ull << 20;
    static constexpr std::size_t kMostFiles = 1000;

    /// Where the built client is if nobody says so: beside the program, at ../share/drover/web.
    static std::filesystem::path default_directory();

    /// An empty directory name means default_directory(). A directory without an index.html serves
    /// nothing, which installed() tells. Throws std::system_error if a file can't be read.
    explicit WebClient(const std::filesystem::path& directory);

    bool installed() const { return files_.contains("/ui/"); }
    /// Below /ui; and "/", which leads there, if there is a client.
    bool serves(std::string_view path) const;
    /// Answers GET and HEAD: with ETags, compressed if the client likes, and with a policy that
    /// lets the page load from here alone.
    http::Response answer(const http::Request& request) const;

private:
    struct File {
        http::SharedText plain;
        http::SharedText gzip;  ///< null: not worth it
        std::string type;
        std::string etag;
        bool is_forever = false;  ///< its name holds its hash
    };

    void add(const std::filesystem::path& path, const std::string& name);
    http::Response answer_with(const File& file, const http::Request& request) const;

    std::map<std::string, File, std::less<>> files_;
};

}  // namespace drover::service
