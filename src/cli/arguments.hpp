#pragma once

// The small languages of the command line: sizes, disks, network cards. Each parser throws
// UsageError, which says what would be right.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace drover::cli {

/// The command line is wrong: exit code 2.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// "512M", "1.5G", "10GiB": bytes, in powers of 1024. `what` names the argument in errors. The
/// result is 1 to 2^62.
std::int64_t parse_size(std::string_view what, std::string_view text);

/// "90", "90s", "5m", "2h": seconds, at most a year.
std::int64_t parse_seconds(std::string_view what, std::string_view text);

enum class Provisioning { thin, thick, eager };

/// "10G", "10G,thin", "10G,thick", "10G,eager"
struct DiskArgument {
    std::int64_t bytes = 0;
    Provisioning provisioning = Provisioning::thin;
};
DiskArgument parse_disk(std::string_view text);

/// "VM Network", "VM Network,e1000", "VM Network,vmxnet3,00:50:56:01:02:03"
struct NicArgument {
    std::string network;
    std::string model = "vmxnet3";  ///< vmxnet3, e1000, e1000e or pcnet32
    std::string mac_address;        ///< empty: generated
};
NicArgument parse_nic(std::string_view text);

/// "[datastore] directory/file" in its parts.
struct DatastorePath {
    std::string datastore;
    std::string path;
    std::string to_string() const;
};
/// Nothing if the text does not begin with '['. Throws UsageError if it does and is none.
std::optional<DatastorePath> parse_datastore_path(std::string_view text);
/// The same; the text must be one and name a file that ends so ("" for anything).
DatastorePath require_datastore_path(std::string_view what, std::string_view text,
                                     std::string_view extension);

/// "cdrom,disk,net" in order, each at most once.
enum class BootDevice { disk, cdrom, network, floppy };
std::vector<BootDevice> parse_boot_order(std::string_view text);

}  // namespace drover::cli
