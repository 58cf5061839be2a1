#include "hypervisor/libvirt/event_loop.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "hypervisor/libvirt/errors.hpp"

namespace drover::hypervisor::libvirt {
namespace {

void run_loop() {
    for (;;) {
        if (virEventRunDefaultImpl() == 0) continue;
        base::log_error("libvirt's event loop: {}", virGetLastErrorMessage());
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

}  // namespace

void ensure_event_loop() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (virInitialize() < 0) throw_last_error("start libvirt");
        // Errors reach us as return values; libvirt would write them to standard error as well.
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
        if (virEventRegisterDefaultImpl() < 0) throw_last_error("start libvirt's event loop");
        std::thread(run_loop).detach();
    });
}

}  // namespace drover::hypervisor::libvirt
