// Any text as a property path of two rich types: it is either refused with InvalidProperty or can
// be evaluated on an empty object.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/property_path.hpp"
#include "vim/fault.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drover;
    if (size == 0) return 0;
    const auto type = (data[0] & 1) != 0 ? vim::TypeId::VirtualMachine : vim::TypeId::HostSystem;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    try {
        const auto path = model::PropertyPath::parse(type, text, vim::newest_release());
        path.evaluate(vim::Value{});
        path.has_container(vim::Value{});
    } catch (const vim::Fault& fault) {
        if (!fault.fault().is<vim::InvalidProperty>()) __builtin_trap();
    }
    return 0;
}
