#include "cli/file.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "cli/terminal.hpp"
#include "cli/text.hpp"

namespace drover::cli {

DatastorePath parse_file(std::string_view text) {
    if (auto path = parse_datastore_path(text)) return *path;
    const auto slash = text.find('/');
    if (text.empty() || slash == 0) {
        throw UsageError(fmt::format(
            "\"{}\" names no datastore: say DATASTORE/PATH or \"[DATASTORE] PATH\"", text));
    }
    return {std::string(text.substr(0, slash)),
            slash == std::string_view::npos ? "" : std::string(text.substr(slash + 1))};
}

client::DatastoreFile find_file(client::Connection& connection, const std::string& text) {
    const auto path = parse_file(text);
    if (path.path.empty()) {
        throw UsageError(fmt::format("\"{}\" names a datastore, but no file of it", text));
    }
    const auto datastore = client::find(connection, vim::TypeId::Datastore, path.datastore);
    return {datastore.reference, datastore.name, path.path};
}

TransferLine::TransferLine(const Context& context, std::string name, std::uint64_t total_bytes)
    : name_(std::move(name)),
      total_bytes_(total_bytes),
      visible_(error_is_terminal() && !context.json()) {}

TransferLine::~TransferLine() {
    if (shown_ >= 0) fmt::print(stderr, "\r\033[K");
}

void TransferLine::add(std::size_t bytes) {
    done_bytes_ += bytes;
    if (!visible_ || total_bytes_ == 0) return;
    const auto percent = static_cast<std::int64_t>(static_cast<double>(done_bytes_) * 100.0 /
                                                   static_cast<double>(total_bytes_));
    if (percent == shown_) return;
    shown_ = percent;
    fmt::print(stderr, "\r\033[K{}",
               fitted(printable(fmt::format("{}: {} %", name_, percent)), 78));
    std::fflush(stderr);
}

}  // namespace drover::cli
