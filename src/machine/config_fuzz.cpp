// A .vmx file from outside goes all the way: read, written back, adopted, made a domain.

#include <cstdlib>
#include <stdexcept>

#include "machine/config.hpp"
#include "machine/domain.hpp"
#include "machine/reconfigure.hpp"
#include "vim/fault.hpp"

using namespace drover;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = vmx::VmxFile::parse({reinterpret_cast<const char*>(data), size});
    if (!parsed) return 0;
    machine::ReadContext context;
    context.vm_path = "[ds] vm/vm.vmx";
    const auto config = machine::config_from_vmx(*parsed, context);
    try {
        auto written = *parsed;
        machine::apply_to_vmx(written, config);
        if (machine::config_from_vmx(written, context) != config) std::abort();
        base::SeededRandom random(1);
        const auto adopted = machine::adopt(*parsed, context, {}, random);
        const auto spec = machine::domain_spec_from_config(
            machine::config_from_vmx(adopted, context), adopted, {});
    } catch (const vim::Fault&) {
    } catch (const std::invalid_argument&) {
        // The file is full.
    }
    return 0;
}
