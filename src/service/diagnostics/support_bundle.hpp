#pragma once

// A support bundle: one .tgz with what helps to find out what is wrong with a host.

#include <chrono>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

namespace drover::service {

/// What goes into a bundle: texts by their path in it ("machines/vm-3.txt"), and a directory of log
/// files that is taken along as `log/`.
struct BundleContent {
    std::map<std::string, std::string> texts;
    std::filesystem::path logs;
};

/// Why there is no bundle.
class BundleError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Facts of the running kernel that anybody may read: memory, processors, mounts, load, version.
std::map<std::string, std::string> kernel_facts();

/// Makes the file `path` (mode 0640), as a whole or not at all. Everything in it lies below a
/// directory of the file's name without its ending. Takes seconds; throws BundleError.
void write_bundle(const std::filesystem::path& path, const BundleContent& content);

/// Removes bundles of a directory that are older than `kept`, what a crash left half made, and the
/// oldest of more than `most`. Never throws.
void remove_old_bundles(const std::filesystem::path& directory, std::chrono::seconds kept,
                        std::size_t most) noexcept;

}  // namespace drover::service
