#include "hypervisor/libvirt/libvirt_hypervisor.hpp"

#include "hypervisor/libvirt/call_context.hpp"
#include "hypervisor/libvirt/device_xml.hpp"
#include "hypervisor/libvirt/domain_xml.hpp"
#include "hypervisor/libvirt/migrations.hpp"
#include "hypervisor/libvirt/operations.hpp"

namespace drover::hypervisor {
namespace {

using libvirt::CallContext;

// Forwards each call to its operation, on a thread with a deadline.
class LibvirtHypervisor final : public Hypervisor {
public:
    explicit LibvirtHypervisor(LibvirtOptions options) : context_(std::move(options), events_) {}

    DomainInfo start(const DomainSpec& spec, InitialState state) override {
        validate(spec);
        return context_.run(context_.options().start_limit, "start",
                            [xml = libvirt::to_domain_xml(spec), state](virConnectPtr connection) {
                                return libvirt::start(connection, xml, state);
                            });
    }

    void save(const DomainUuid& uuid, const std::string& path) override {
        context_.run(context_.options().save_limit, "save", [uuid, path](virConnectPtr connection) {
            libvirt::save(connection, uuid, path);
        });
    }

    DomainInfo restore(const std::string& path, const DomainSpec& spec,
                       InitialState state) override {
        validate(spec);
        return context_.run(context_.options().save_limit, "restore",
                            [path, xml = libvirt::to_domain_xml(spec), uuid = spec.uuid,
                             state](virConnectPtr connection) {
                                return libvirt::restore(connection, path, xml, uuid, state);
                            });
    }

    bool is_save_image_complete(const std::string& path) override {
        return context_.run("read a save image", [path](virConnectPtr connection) {
            return libvirt::is_save_image_complete(connection, path);
        });
    }

    void destroy(const DomainUuid& uuid) override { call("destroy", libvirt::destroy, uuid); }
    void reset(const DomainUuid& uuid) override { call("reset", libvirt::reset, uuid); }
    void pause(const DomainUuid& uuid) override { call("pause", libvirt::pause, uuid); }
    void resume(const DomainUuid& uuid) override { call("resume", libvirt::resume, uuid); }
    void shutdown(const DomainUuid& uuid, GuestRequest how) override {
        call("shut down", libvirt::shutdown, uuid, how);
    }
    void reboot(const DomainUuid& uuid, GuestRequest how) override {
        call("reboot", libvirt::reboot, uuid, how);
    }

    std::vector<DomainInfo> list() override { return call("list", libvirt::list); }
    std::optional<DomainInfo> find(const DomainUuid& uuid) override {
        return call("find", libvirt::find, uuid);
    }
    std::vector<DomainStats> stats() override { return call("read statistics", libvirt::stats); }
    void set_metadata(const DomainUuid& uuid,
                      const std::map<std::string, std::string>& metadata) override {
        validate_metadata(metadata);
        call("set metadata", libvirt::set_metadata, uuid, metadata);
    }

    GuestInfo guest_info(const DomainUuid& uuid) override {
        return call("ask the guest agent", libvirt::guest_info, uuid,
                    context_.options().agent_limit);
    }
    bool agent_ping(const DomainUuid& uuid) override {
        return call("ping the guest agent", libvirt::agent_ping, uuid,
                    context_.options().agent_limit);
    }

    void change_media(const DomainUuid& uuid, const std::string& target,
                      const std::optional<DiskImage>& media, bool force) override {
        if (media) validate_image(*media);
        call("change a medium", libvirt::change_media, uuid, target, media, force);
    }
    void set_link_state(const DomainUuid& uuid, const std::string& mac, bool up) override {
        call("set a link", libvirt::set_link_state, uuid, mac, up);
    }
    Screenshot screenshot(const DomainUuid& uuid) override {
        return call("take a screenshot", libvirt::screenshot, uuid);
    }
    void set_balloon(const DomainUuid& uuid, std::uint64_t memory_bytes) override {
        call("set the balloon", libvirt::set_balloon, uuid, memory_bytes);
    }
    void set_cpu_tuning(const DomainUuid& uuid, const CpuTuning& tuning) override {
        validate_cpu_tuning(tuning);
        call("set shares and limit", libvirt::set_cpu_tuning, uuid, tuning);
    }

    void press_keys(const DomainUuid& uuid, const std::vector<std::uint32_t>& usb_codes) override {
        call("press keys", libvirt::press_keys, uuid, usb_codes);
    }
    void inject_nmi(const DomainUuid& uuid) override {
        call("interrupt", libvirt::inject_nmi, uuid);
    }
    void sleep_guest(const DomainUuid& uuid) override {
        call("put the guest to sleep", libvirt::sleep_guest, uuid, context_.options().agent_limit);
    }
    void attach_disk(const DomainUuid& uuid, const DomainSpec& spec,
                     const DiskSpec& disk) override {
        call("plug in a disk", libvirt::attach_device, uuid, libvirt::to_disk_xml(spec, disk));
    }
    void attach_nic(const DomainUuid& uuid, const NicSpec& nic) override {
        call("plug in a network card", libvirt::attach_device, uuid, libvirt::to_nic_xml(nic));
    }
    void detach_disk(const DomainUuid& uuid, const std::string& target) override {
        call("unplug a disk", libvirt::detach_disk, uuid, target);
    }
    void detach_nic(const DomainUuid& uuid, const std::string& mac) override {
        call("unplug a network card", libvirt::detach_nic, uuid, mac);
    }
    void set_bridge(const DomainUuid& uuid, const std::string& mac,
                    const std::string& bridge) override {
        call("join another network", libvirt::set_bridge, uuid, mac, bridge);
    }

    void begin_disk_move(const DomainUuid& uuid, const std::string& target,
                         const DiskImage& to) override {
        validate_image(to);
        call("start moving a disk", libvirt::begin_disk_move, uuid, target, to);
    }
    std::vector<DiskMove> disk_moves(const DomainUuid& uuid) override {
        return call("look at disks", libvirt::disk_moves, uuid);
    }
    // What is still to be written when a copy ends may take its time.
    void finish_disk_move(const DomainUuid& uuid, const std::string& target) override {
        context_.run(context_.options().start_limit, "switch a disk",
                     [uuid, target](virConnectPtr connection) {
                         libvirt::finish_disk_move(connection, uuid, target);
                     });
    }
    void cancel_disk_move(const DomainUuid& uuid, const std::string& target) override {
        context_.run(context_.options().start_limit, "stop moving a disk",
                     [uuid, target](virConnectPtr connection) {
                         libvirt::cancel_disk_move(connection, uuid, target);
                     });
    }
    void move_nvram(const DomainUuid& uuid, const std::string& path) override {
        call("move the firmware's variables", libvirt::move_nvram, uuid, path);
    }

    std::string migration_socket() override { return libvirt::socket_of(context_.options().uri); }
    // libvirtd takes what a daemon that has reached it sends: who may reach it is decided before.
    void expect_migration(const IncomingDomain&) override {}
    MigrationResult migrate(const DomainUuid& uuid, const MigrationSpec& spec) override {
        return migrations_.run(uuid, spec);
    }
    std::optional<MigrationProgress> migration_progress(const DomainUuid& uuid) override {
        return migrations_.progress(uuid);
    }
    void cancel_migration(const DomainUuid& uuid) override { migrations_.cancel(uuid); }
    void start_post_copy(const DomainUuid& uuid) override { migrations_.start_post_copy(uuid); }
    std::string cpu_of(const DomainUuid& uuid) override {
        return call("read the CPU", libvirt::cpu_of, uuid);
    }
    void check_cpu(const std::string& cpu) override {
        call("compare CPUs", libvirt::check_cpu, context_.options(), cpu);
    }

    HostInfo host_info() override {
        return call("read the host", libvirt::host_info, context_.options());
    }
    HostStats host_stats() override { return call("read the host's use", libvirt::host_stats); }

    std::unique_ptr<Subscription> subscribe(EventSink sink) override {
        return events_->subscribe(std::move(sink));
    }

private:
    template <class Operation, class... Args>
    auto call(const char* what, Operation operation, Args... args)
        -> std::invoke_result_t<Operation, virConnectPtr, Args&...> {
        return context_.run(what, [operation, args...](virConnectPtr connection) {
            return operation(connection, args...);
        });
    }

    std::shared_ptr<EventQueue> events_ = std::make_shared<EventQueue>();
    CallContext context_;
    libvirt::Migrations migrations_{context_};
};

}  // namespace

std::unique_ptr<Hypervisor> make_libvirt_hypervisor(LibvirtOptions options) {
    return std::make_unique<LibvirtHypervisor>(std::move(options));
}

}  // namespace drover::hypervisor
