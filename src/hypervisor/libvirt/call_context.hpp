#pragma once

#include <libvirt/libvirt.h>

#include "hypervisor/libvirt/connection.hpp"
#include "hypervisor/libvirt/deadline.hpp"
#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/handles.hpp"
#include "hypervisor/libvirt/libvirt_hypervisor.hpp"

namespace drover::hypervisor::libvirt {

/// What every operation needs: the options, the connection and the deadlines. The operations are
/// free functions in one file per kind (domain_power.cpp, domain_query.cpp, ...); each takes a live
/// connection and runs on a thread of the CallRunner.
class CallContext {
public:
    CallContext(LibvirtOptions options, std::shared_ptr<EventQueue> events)
        : options_(std::move(options)), connection_(options_, std::move(events)) {}

    const LibvirtOptions& options() const { return options_; }

    /// Runs `call(connection)` with a deadline. An error on a connection that has died meanwhile is
    /// `unavailable`, whatever libvirt made of it.
    template <class Call>
    auto run(std::chrono::milliseconds limit, const char* what, Call call) {
        return runner_.run(limit, what, [connection = connection_.get(), call = std::move(call)] {
            try {
                return call(connection.get());
            } catch (const HypervisorError& error) {
                if (virConnectIsAlive(connection.get()) == 1) throw;
                throw HypervisorError(ErrorKind::unavailable, error.what());
            }
        });
    }
    template <class Call>
    auto run(const char* what, Call call) {
        return run(options_.call_limit, what, std::move(call));
    }

private:
    LibvirtOptions options_;
    CallRunner runner_{};
    Connection connection_;
};

}  // namespace drover::hypervisor::libvirt
