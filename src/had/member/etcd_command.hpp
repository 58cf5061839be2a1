#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "had/config.hpp"

namespace drover::had {

/// The entry of this host; none if it runs no member.
std::optional<EtcdConfig::Member> member_of(const EtcdConfig& config, const std::string& host);

/// Where the member of this etcd keeps its data, and the file of those whom it trusts.
std::filesystem::path member_data(const EtcdConfig& config);
std::filesystem::path member_authorities(const EtcdConfig& config);

/// How the member of the host is started: the program and its arguments. The host must be one.
std::vector<std::string> etcd_command(const std::filesystem::path& program,
                                      const EtcdConfig& config, const std::string& host);

}  // namespace drover::had
