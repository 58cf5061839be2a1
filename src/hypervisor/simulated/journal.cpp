#include "hypervisor/simulated/journal.hpp"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

namespace drover::hypervisor::simulated {
namespace {

constexpr std::string_view kPut = "+";
constexpr std::string_view kRemove = "-";

}  // namespace

Journal::Journal(std::filesystem::path file) : file_(std::move(file)) {}

std::vector<RunningDomain> Journal::read() {
    if (file_.empty()) return {};
    std::map<DomainUuid, RunningDomain> known;
    std::ifstream in(file_);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(kRemove)) {
            known.erase(DomainUuid(line.substr(1)));
        } else if (line.starts_with(kPut)) {
            // A last line that was cut short is as if it had not been written.
            auto domain = from_line(std::string_view(line).substr(1));
            if (domain) known.insert_or_assign(domain->uuid, std::move(*domain));
        }
    }
    std::vector<RunningDomain> list;
    for (auto& [_, domain] : known) list.push_back(std::move(domain));
    write_anew(list);
    return list;
}

void Journal::write_anew(const std::vector<RunningDomain>& domains) {
    const std::filesystem::path fresh = file_.string() + ".new";
    {
        std::ofstream out(fresh, std::ios::trunc);
        for (const RunningDomain& domain : domains) out << kPut << to_line(domain) << '\n';
        if (!out.flush()) throw std::runtime_error(fresh.string() + ": can't be written");
    }
    std::filesystem::rename(fresh, file_);
    out_.open(file_, std::ios::app);
    if (!out_) throw std::runtime_error(file_.string() + ": can't be opened");
}

void Journal::put(const RunningDomain& domain) {
    if (out_.is_open()) append(fmt::format("{}{}", kPut, to_line(domain)));
}

void Journal::remove(const DomainUuid& uuid) {
    if (out_.is_open()) append(fmt::format("{}{}", kRemove, uuid.value()));
}

void Journal::append(const std::string& line) {
    out_ << line << '\n' << std::flush;
}

}  // namespace drover::hypervisor::simulated
