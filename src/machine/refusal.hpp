#pragma once

// Faults that refuse a device change. Private to this directory.

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "vim/fault.hpp"

namespace drover::machine {

inline std::string change_path(std::int32_t index, std::string_view property) {
    return property.empty() ? fmt::format("configSpec.deviceChange[{}]", index)
                            : fmt::format("configSpec.deviceChange[{}].{}", index, property);
}

/// T is InvalidDeviceSpec or derives from it.
template <class T = vim::InvalidDeviceSpec>
[[noreturn]] void refuse_device(std::int32_t index, std::string_view property,
                                std::string_view reason) {
    const std::string path = change_path(index, property);
    T fault = T::make();
    fault.set_deviceIndex(index);
    fault.set_property(path);
    throw vim::Fault(fault, fmt::format("{}: {}", path, reason));
}

[[noreturn]] inline void refuse_value(std::string_view path, std::string_view reason) {
    throw vim::invalid_argument(path, fmt::format("{}: {}", path, reason));
}

[[noreturn]] inline void refuse_power_state(vim::VirtualMachinePowerState existing,
                                            std::string_view path) {
    auto fault = vim::InvalidPowerState::make();
    fault.set_existingState(existing);
    fault.set_requestedState(vim::VirtualMachinePowerState::poweredOff);
    throw vim::Fault(fault, fmt::format("{}: can change only while the machine is powered off, "
                                        "not {}",
                                        path, vim::to_string(existing)));
}

template <class T>
[[noreturn]] void refuse_file(std::string_view file, std::string_view reason) {
    T fault = T::make();
    fault.set_file(file);
    throw vim::Fault(fault, fmt::format("{}: {}", file, reason));
}

}  // namespace drover::machine
