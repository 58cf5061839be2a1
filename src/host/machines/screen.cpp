#include "host/machines/screen.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>

#include "host/faults.hpp"
#include "host/machines/png.hpp"

namespace drover::host {

using http::Response;
using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::Value;

namespace {

constexpr std::chrono::seconds kScreenLimit{30};
constexpr std::string_view kPrivilege = "VirtualMachine.Interact.CreateScreenshot";
constexpr int kMostNameTries = 10'000;

Response refusal(int status, std::string text) {
    Response response = Response::text(status, std::move(text) + "\n");
    if (status == 401) {
        response.headers.set("WWW-Authenticate", "Basic realm=\"drover\", charset=\"UTF-8\"");
    }
    return response;
}

}  // namespace

Screens::Screens(Parts parts)
    : context_(parts.context),
      machines_(parts.machines),
      may_(std::move(parts.may)),
      callers_(parts.context, parts.sessions, std::move(parts.passwords)) {}

void Screens::serve() {
    context_.tasks.add_method(context_.dispatcher, "CreateScreenshot_Task",
                              "VirtualMachine.createScreenshot",
                              [this](Call call, TaskContextPtr) -> Awaitable<Value> {
                                  const MachinePtr machine = machines_.get(call.self);
                                  require_usable(*machine);
                                  co_return Value::string(co_await keep(machine));
                              });
}

Awaitable<std::string> Screens::keep(MachinePtr machine) {
    std::string png = co_await take(machine);
    co_return co_await store(machine, std::move(png));
}

Awaitable<std::string> Screens::take(MachinePtr machine) {
    require_power_state(*machine, vim::VirtualMachinePowerState::poweredOn);
    co_return co_await context_.runtime.blocking(
        machine->domain_queue(),
        [&hypervisor = context_.hypervisor, uuid = machine->uuid()] {
            const auto picture = hypervisor.screenshot(uuid);
            if (picture.mime_type != "image/png") return png_from_pixmap(picture.bytes);
            return std::string(picture.bytes.begin(), picture.bytes.end());
        },
        kScreenLimit);
}

// Beside the machine's file: "<name>-1.png" and so on.
Awaitable<std::string> Screens::store(MachinePtr machine, std::string png) {
    co_return co_await context_.datastores.run(
        context_.datastores.of_path(machine->path),
        [vmx = machine->path, png = std::move(png)](storage::Datastore& store) {
            std::string stem = vmx.file_name();
            if (stem.ends_with(".vmx")) stem.resize(stem.size() - 4);
            for (int i = 1; i < kMostNameTries; ++i) {
                const auto path = vmx.parent().child(fmt::format("{}-{}.png", stem, i));
                if (!path) break;
                try {
                    store.blobs().create_exclusive(*path, png);
                    return path->to_string();
                } catch (const storage::StorageError& error) {
                    if (error.kind() != storage::StorageErrorKind::already_exists) throw;
                }
            }
            throw vim::make_fault<vim::InvalidState>(
                "There are too many screenshots of the machine.");
        });
}

Awaitable<Response> Screens::answer(files::CallerQuestion question, std::string id) {
    const auto caller = co_await callers_.identify(std::move(question));
    if (!caller) co_return refusal(401, "Log in first.");
    const vim::MoRef reference{vim::TypeId::VirtualMachine, id};
    MachinePtr machine = machines_.find(reference);
    if (!machine && id.starts_with("vm-")) {
        machine = machines_.find({vim::TypeId::VirtualMachine, id.substr(3)});
    }
    if (!machine) co_return refusal(404, "There is no such machine.");
    if (!may_(*caller, machine->ref, kPrivilege)) {
        co_return refusal(403, "Permission to perform this operation was denied.");
    }
    std::exception_ptr failure;
    try {
        Response response = Response::text(200, co_await take(machine), "image/png");
        response.headers.set("Cache-Control", "no-store");
        response.headers.set("X-Content-Type-Options", "nosniff");
        response.may_compress = false;
        co_return response;
    } catch (...) {
        failure = std::current_exception();
    }
    const vim::Fault fault = fault_of(failure);
    co_return refusal(fault.fault().is<vim::InvalidState>() ? 409 : 500, fault.message());
}

Awaitable<Response> Screens::handle(http::Request request) {
    if (request.method != "GET" && request.method != "HEAD") {
        Response refused = refusal(405, "Use GET.");
        refused.headers.set("Allow", "GET, HEAD");
        co_return refused;
    }
    const auto id = request.target.query("id");
    if (!id) co_return refusal(400, "Name the machine: ?id=...");
    co_return co_await boost::asio::co_spawn(
        context_.runtime.strand(), answer(files::caller_question(request), std::string(*id)),
        boost::asio::use_awaitable);
}

}  // namespace drover::host
