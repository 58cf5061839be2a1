#pragma once

// The keys of one device ("scsi0:1.fileName", "scsi0:1.mode") read and written with defaults.

#include <cstdint>
#include <string>
#include <string_view>

#include "vmx/vmx_file.hpp"

namespace drover::machine {

class VmxReader {
public:
    VmxReader(const vmx::VmxFile& file, std::string_view prefix) : file_(file), prefix_(prefix) {}

    const std::string& prefix() const { return prefix_; }
    bool has(std::string_view name) const { return file_.contains(key(name)); }
    std::string text(std::string_view name, std::string_view absent = {}) const {
        return file_.get(key(name)).value_or(std::string(absent));
    }
    bool flag(std::string_view name, bool absent) const {
        return file_.get_bool(key(name)).value_or(absent);
    }
    std::int64_t number(std::string_view name, std::int64_t absent) const {
        return file_.get_integer(key(name)).value_or(absent);
    }
    bool present() const { return flag("present", false); }

private:
    std::string key(std::string_view name) const { return prefix_ + "." + std::string(name); }

    const vmx::VmxFile& file_;
    std::string prefix_;
};

/// Leaves an entry alone whose meaning is the wanted one already, and writes no entry that says
/// what its absence means.
class VmxWriter {
public:
    VmxWriter(vmx::VmxFile& file, std::string_view prefix) : file_(file), prefix_(prefix) {}

    void text(std::string_view name, std::string_view value, std::string_view absent = {}) {
        const auto old = file_.get(key(name));
        if (old ? *old != value : value != absent) file_.set(key(name), value);
    }
    void flag(std::string_view name, bool value, bool absent) {
        if (file_.get_bool(key(name)).value_or(absent) != value) file_.set_bool(key(name), value);
    }
    void number(std::string_view name, std::int64_t value, std::int64_t absent) {
        if (file_.get_integer(key(name)).value_or(absent) != value) {
            file_.set_integer(key(name), value);
        }
    }
    void remove(std::string_view name) { file_.remove(key(name)); }

private:
    std::string key(std::string_view name) const { return prefix_ + "." + std::string(name); }

    vmx::VmxFile& file_;
    std::string prefix_;
};

}  // namespace drover::machine
