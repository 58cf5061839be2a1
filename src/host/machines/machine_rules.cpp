#include "host/machines/machine_rules.hpp"

namespace drover::host {

using Files = std::set<std::string, std::less<>>;

machine::Rules make_rules(const HostContext& context, const Machines& machines) {
    machine::Rules rules;
    // A machine may have more vCPUs than the host has CPUs, but not without bound.
    rules.max_vcpus = 128;
    rules.macs_in_use = machines.macs_in_use();
    if (!context.host_info.default_machine_type.empty()) {
        rules.machine_type = context.host_info.default_machine_type;
    }
    return rules;
}

task::Awaitable<std::optional<Files>> list_directory(const HostContext& context,
                                                     storage::DatastorePath directory) {
    DatastoreEntry& entry = context.datastores.of_path(directory);
    co_return co_await context.datastores.run(
        entry, [directory](storage::Datastore& store) -> std::optional<Files> {
            Files files;
            try {
                for (const auto& info : store.blobs().list(directory)) {
                    if (const auto path = directory.child(info.name)) {
                        files.insert(path->to_string());
                    }
                }
            } catch (const storage::StorageError& error) {
                if (error.kind() != storage::StorageErrorKind::not_found) throw;
                return std::nullopt;
            }
            return files;
        });
}

}  // namespace drover::host
