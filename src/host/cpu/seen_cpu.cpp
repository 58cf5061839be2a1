#include "host/cpu/seen_cpu.hpp"

#include "plan/cpu/promise.hpp"

namespace drover::host {

std::string seen_cpu_text(const Machine& machine) {
    if (machine.domain) {
        if (!machine.domain->metadata) return {};
        const auto note = machine.domain->metadata->find(std::string(kMetadataCpu));
        return note == machine.domain->metadata->end() ? std::string() : note->second;
    }
    return machine.suspended ? machine.file.get(kCpuKey).value_or("") : std::string();
}

std::optional<plan::Cpu> seen_cpu(const Machine& machine) {
    const std::string text = seen_cpu_text(machine);
    if (text.empty()) return std::nullopt;
    auto cpu = plan::parse_cpu(text);
    return cpu ? std::optional(*std::move(cpu)) : std::nullopt;
}

}  // namespace drover::host
