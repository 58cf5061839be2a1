#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "hypervisor/simulated/running_domain.hpp"

namespace drover::hypervisor::simulated {

/// Which domains run, in a file: real machines go on while their host agent is away, so simulated
/// ones must, too. One line for each change; opening it writes it anew with what runs. It is not
/// synced: it survives the death of the process, not of the computer. One thread at a time.
class Journal {
public:
    /// Nothing is kept if the path is empty. Throws std::runtime_error if it can't be written.
    explicit Journal(std::filesystem::path file);

    /// What ran when the file was written last. Call once, before the first change.
    std::vector<RunningDomain> read();
    /// Replaces what is known of the domain.
    void put(const RunningDomain& domain);
    void remove(const DomainUuid& uuid);

private:
    void write_anew(const std::vector<RunningDomain>& domains);
    void append(const std::string& line);

    const std::filesystem::path file_;
    std::ofstream out_;
};

}  // namespace drover::hypervisor::simulated
