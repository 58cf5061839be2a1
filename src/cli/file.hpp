#pragma once

// What the commands below `drover file` share.

#include <string>

#include "cli/context.hpp"
#include "client/datastore_file.hpp"

namespace drover::cli {

/// "[datastore] path", "datastore/path" or "datastore". Throws UsageError.
DatastorePath parse_file(std::string_view text);

/// The file that a command line names. Throws UsageError, LookupError, vim::Fault.
client::DatastoreFile find_file(client::Connection& connection, const std::string& text);

/// A line on the terminal that tells how far a transfer is; nothing where nobody looks.
class TransferLine {
public:
    TransferLine(const Context& context, std::string name, std::uint64_t total_bytes);
    ~TransferLine();
    TransferLine(const TransferLine&) = delete;
    TransferLine& operator=(const TransferLine&) = delete;
    void add(std::size_t bytes);

private:
    std::string name_;
    std::uint64_t total_bytes_;
    std::uint64_t done_bytes_ = 0;
    std::int64_t shown_ = -1;  // percent
    bool visible_;
};

}  // namespace drover::cli
