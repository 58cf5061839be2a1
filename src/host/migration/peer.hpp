#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "host/availability/availability.hpp"
#include "task/runtime.hpp"
#include "vim/fault.hpp"
#include "vim/migration_types.hpp"

namespace drover::host {

/// The other host's migration manager, as somebody without a session may use it: with a ticket.
/// Belongs to the strand. What the other host refuses is thrown as the fault that it answered with;
/// HostNotConnected says that there was no answer.
class Peer {
public:
    /// `thumbprint` is of the certificate that the host must show. Throws InvalidArgument if the
    /// URL is none.
    Peer(task::Runtime& runtime, std::string url, std::string thumbprint);

    /// The ticket is used; the machine may be sent. Of a machine that high availability guards:
    /// the epoch in which it is awaited.
    task::Awaitable<std::optional<std::uint64_t>> begin(std::string ticket);
    /// The machine has been sent: it is the other host's now. `word`: of one that is guarded.
    task::Awaitable<vim::DroverMigrationArrival> finish(
        std::string ticket, std::optional<Availability::Word> word = std::nullopt);
    /// Whether the machine is not, and will not be, on the other host by this ticket.
    task::Awaitable<bool> abort(std::string ticket);

private:
    task::Awaitable<vim::Value> call(std::string method, vim::Value request);

    task::Runtime& runtime_;
    std::string url_;
    std::string thumbprint_;
};

/// Whether an exception of Peer says that there was no answer.
bool is_unreachable(const vim::Fault& fault);

}  // namespace drover::host
