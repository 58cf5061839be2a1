#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/hypervisor.hpp"

namespace drover::hypervisor::testing {

/// A libvirtd of its own, in process, mount and network namespaces of its own: nothing it makes is
/// visible outside, and all of it (its QEMUs too) ends with this object or with this process,
/// however it dies. Root only.
class PrivateLibvirt {
public:
    /// Why such a thing can't run here; empty if it can.
    static std::string missing();

    PrivateLibvirt();
    ~PrivateLibvirt();
    PrivateLibvirt(const PrivateLibvirt&) = delete;
    PrivateLibvirt& operator=(const PrivateLibvirt&) = delete;

    std::string uri() const;
    /// A path as libvirtd sees it, as this process can open it.
    std::filesystem::path outside(const std::string& inside_path) const;
    /// "kill" (-9), "freeze", "thaw" or "start" the daemon.
    void daemon(const std::string& command);
    /// An existing parent cgroup for domains.
    const std::string& partition() const { return partition_; }
    std::string daemon_log() const;
    /// A process in its namespaces, for nsenter and the like.
    pid_t process() const { return init_; }

    static constexpr const char* work_directory = "/run/work";    ///< disks go here
    static constexpr const char* small_directory = "/run/small";  ///< 8 MiB in all
    static constexpr const char* bridge = "testbr0";

private:
    std::filesystem::path partition_path(const std::filesystem::path& root) const;
    void make_partition();
    void remove_partition();

    pid_t child_ = -1;  ///< unshare(1)
    pid_t init_ = -1;   ///< first process of the new namespaces
    int commands_ = -1;
    int answers_ = -1;
    std::string partition_{};
};

/// Remembers all events of a hypervisor.
class EventRecorder {
public:
    explicit EventRecorder(Hypervisor& hypervisor);

    using Predicate = std::function<bool(const Event&)>;
    /// True as soon as an event at or after position `from` matches.
    bool wait(const Predicate& predicate, std::size_t from = 0,
              std::chrono::milliseconds limit = std::chrono::seconds(20));
    std::size_t count() const;
    /// "started(booted)", "paused(user)", ... of one domain, in order.
    std::vector<std::string> names(const DomainUuid& uuid) const;

private:
    mutable std::mutex mutex_{};
    std::condition_variable changed_{};
    std::vector<Event> events_{};
    std::unique_ptr<Subscription> subscription_{};
};

EventRecorder::Predicate is_lifecycle(const DomainUuid& uuid, LifecycleKind kind);
EventRecorder::Predicate is_connection(bool connected);

/// Connects to one libvirtd that all tests of the program share; destroys their domains.
class HypervisorTest : public ::testing::Test {
protected:
    static void SetUpTestSuite();
    void SetUp() override;
    void TearDown() override;

    static PrivateLibvirt& libvirt();
    Hypervisor& hypervisor() { return *hypervisor_; }
    /// A machine with nothing but memory and a CPU; each call gives another uuid.
    DomainSpec tiny();
    /// Makes a raw image that starts with this boot sector (signature added); its inside path.
    std::string boot_disk(std::string_view directory, const std::string& name,
                          const std::vector<unsigned char>& code, std::uintmax_t size_bytes);

    std::unique_ptr<Hypervisor> hypervisor_{};
};

/// The kind of the HypervisorError that `call` throws; fails the test if it throws none.
ErrorKind error_of(const std::function<void()>& call, std::string* message = nullptr);

}  // namespace drover::hypervisor::testing
