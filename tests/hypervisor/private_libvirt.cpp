#include "private_libvirt.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "base/random.hpp"
#include "hypervisor/libvirt/libvirt_hypervisor.hpp"

namespace drover::hypervisor::testing {
namespace {

namespace fs = std::filesystem;

// Runs as the first process of its namespaces. Reads commands, answers "ok" to each, and ends (with
// everything in there) when the pipe closes. /run is hidden so that nobody finds the real system's
// D-Bus or libvirt.
constexpr const char* init_script = R"sh(
set -e
mount -t tmpfs tmpfs /run
for d in lib log cache; do
    mkdir -p /run/state/$d /var/$d/libvirt
    mount --bind /run/state/$d /var/$d/libvirt
done
mkdir -p /run/state/etc /run/libvirt /run/work /run/small
cp -a /etc/libvirt/. /run/state/etc/; mount --bind /run/state/etc /etc/libvirt
mount -t tmpfs -o size=8m tmpfs /run/small
cat > /etc/libvirt/libvirtd.conf <<X
auth_unix_rw = "none"
host_uuid = "$(cat /proc/sys/kernel/random/uuid)"
X
# Two of them must not have one name: libvirt refuses to migrate to itself.
hostname private-$(cut -c1-8 /proc/sys/kernel/random/uuid)
mkdir -p /run/tls
cat > /etc/libvirt/qemu.conf <<X
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = [ ]
seccomp_sandbox = 0
stdio_handler = "file"
cgroup_controllers = [ "cpu", "cpuacct" ]
migrate_tls_x509_cert_dir = "/run/tls"
migrate_tls_x509_verify = 1
X
ip link set lo up
ip link add testbr0 type bridge
ip link set testbr0 up
start() { libvirtd -p /run/libvirtd.pid >> /run/libvirtd.log 2>&1 < /dev/null & daemon=$!; }
set +e
echo ok
while read -r command; do
  case $command in
    start) start ;;
    kill) kill -9 $daemon; wait $daemon 2> /dev/null ;;
    freeze) kill -STOP $daemon ;;
    thaw) kill -CONT $daemon ;;
  esac
  echo ok
done
)sh";

std::vector<fs::path> cpu_cgroups() {
    std::vector<fs::path> roots;
    for (const auto* name : {"cpu", "cpuacct", "unified", "."}) {
        const auto root = fs::path("/sys/fs/cgroup") / name;
        if (fs::exists(root / "cgroup.procs")) roots.push_back(root);
    }
    return roots;
}

// A control group's directories are removed leaf first; their files go by themselves.
void remove_cgroup(const fs::path& path) {
    std::error_code error;
    std::vector<fs::path> children;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
        if (at->is_directory()) children.push_back(at->path());
    for (const auto& child : children) remove_cgroup(child);
    ::rmdir(path.c_str());
}

// A run that was killed could not remove its group.
void remove_stale_partitions() {
    constexpr std::string_view prefix = "drover-test-";
    constexpr std::string_view suffix = ".partition";
    for (const auto& root : cpu_cgroups()) {
        std::error_code error;
        std::vector<fs::path> stale;
        for (const auto& entry : fs::directory_iterator(root, error)) {
            const auto name = entry.path().filename().string();
            if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
            const auto length = name.size() - prefix.size() - suffix.size();
            const auto owner = name.substr(prefix.size(), length);
            if (!fs::exists("/proc/" + owner.substr(0, owner.find('-'))))
                stale.push_back(entry.path());
        }
        for (const auto& path : stale) remove_cgroup(path);
    }
}

pid_t child_of(pid_t parent) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "stat");
        std::string pid, rest;
        if (!(file >> pid) || !std::getline(file, rest)) continue;
        std::istringstream after(rest.substr(rest.rfind(')') + 1));
        char state = 0;
        pid_t ppid = 0;
        if (after >> state >> ppid && ppid == parent) return std::stoi(pid);
    }
    throw std::runtime_error("the namespaces' first process is gone");
}

void expect_ok(int descriptor) {
    std::string text;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (text.find("ok\n") == std::string::npos) {
        pollfd wait{descriptor, POLLIN, 0};
        if (std::chrono::steady_clock::now() > deadline || ::poll(&wait, 1, 20000) <= 0)
            throw std::runtime_error("the private libvirtd's shell does not answer");
        std::array<char, 64> buffer{};
        const auto got = ::read(descriptor, buffer.data(), buffer.size());
        if (got <= 0) throw std::runtime_error("the private libvirtd's shell has ended");
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

std::string PrivateLibvirt::missing() {
    if (::geteuid() != 0) return "needs root (namespaces, libvirtd)";
    for (const auto* program :
         {"/usr/sbin/libvirtd", "/usr/bin/qemu-system-x86_64", "/usr/bin/unshare"})
        if (!fs::exists(program)) return fmt::format("needs {}", program);
    return {};
}

PrivateLibvirt::PrivateLibvirt() {
    remove_stale_partitions();
    make_partition();
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
        throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(in[0], 0);
        ::dup2(out[1], 1);
        ::execl("/usr/bin/unshare", "unshare", "--pid", "--fork", "--kill-child", "--mount",
                "--mount-proc", "--net", "--uts", "--ipc", "bash", "-c", init_script, nullptr);
        ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    commands_ = in[1];
    answers_ = out[0];
    expect_ok(answers_);
    init_ = child_of(child_);
    daemon("start");
}

PrivateLibvirt::~PrivateLibvirt() {
    ::close(commands_);
    ::close(answers_);
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    remove_partition();
}

// libvirt marks the directories of partitions with a suffix of its own.
fs::path PrivateLibvirt::partition_path(const fs::path& root) const {
    return root.string() + partition_ + ".partition";
}

void PrivateLibvirt::make_partition() {
    static std::atomic<int> number = 0;
    partition_ = fmt::format("/drover-test-{}-{}", ::getpid(), ++number);
    for (const auto& root : cpu_cgroups()) fs::create_directory(partition_path(root));
}

void PrivateLibvirt::remove_partition() {
    // The kernel needs a moment to end the processes in there.
    for (int i = 0; i < 100; ++i) {
        bool left = false;
        for (const auto& root : cpu_cgroups()) {
            remove_cgroup(partition_path(root));
            left = left || fs::exists(partition_path(root));
        }
        if (!left) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

std::string PrivateLibvirt::uri() const {
    return fmt::format("qemu+unix:///system?socket=/proc/{}/root/run/libvirt/libvirt-sock", init_);
}

fs::path PrivateLibvirt::outside(const std::string& inside_path) const {
    return fmt::format("/proc/{}/root{}", init_, inside_path);
}

void PrivateLibvirt::daemon(const std::string& command) {
    const auto line = command + "\n";
    if (::write(commands_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        throw std::runtime_error("the private libvirtd's shell takes no commands");
    expect_ok(answers_);
}

std::string PrivateLibvirt::daemon_log() const {
    std::ostringstream text;
    text << std::ifstream(outside("/run/libvirtd.log")).rdbuf();
    return text.str();
}

EventRecorder::EventRecorder(Hypervisor& hypervisor) {
    subscription_ = hypervisor.subscribe([this](const Event& event) {
        const std::lock_guard lock(mutex_);
        events_.push_back(event);
        changed_.notify_all();
    });
}

bool EventRecorder::wait(const Predicate& predicate, std::size_t from,
                         std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] {
        for (std::size_t i = from; i < events_.size(); ++i)
            if (predicate(events_[i])) return true;
        return false;
    });
}

std::size_t EventRecorder::count() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
}

std::vector<std::string> EventRecorder::names(const DomainUuid& uuid) const {
    static constexpr const char* kinds[] = {"started",       "paused",  "resumed", "rebooted",
                                            "shutting_down", "stopped", "crashed"};
    static constexpr const char* started[] = {"booted", "restored", "migrated", "other"};
    static constexpr const char* stopped[] = {"shutdown", "destroyed", "crashed", "migrated",
                                              "saved",    "failed",    "other"};
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& event : events_) {
        const auto* one = std::get_if<LifecycleEvent>(&event);
        if (one == nullptr || one->uuid != uuid) continue;
        std::string name = kinds[static_cast<int>(one->kind)];
        if (one->kind == LifecycleKind::started)
            name += fmt::format("({})", started[static_cast<int>(one->started_reason)]);
        if (one->kind == LifecycleKind::stopped)
            name += fmt::format("({})", stopped[static_cast<int>(one->stopped_reason)]);
        if (one->kind == LifecycleKind::paused)
            name += one->paused_reason == PausedReason::user       ? "(user)"
                    : one->paused_reason == PausedReason::io_error ? "(io_error)"
                                                                   : "(other)";
        // SeaBIOS resets once more by itself to get a clean copy of its code.
        if (name == "rebooted" && !names.empty() && names.back() == name) continue;
        names.push_back(std::move(name));
    }
    return names;
}

EventRecorder::Predicate is_lifecycle(const DomainUuid& uuid, LifecycleKind kind) {
    return [uuid, kind](const Event& event) {
        const auto* one = std::get_if<LifecycleEvent>(&event);
        return one != nullptr && one->uuid == uuid && one->kind == kind;
    };
}

EventRecorder::Predicate is_connection(bool connected) {
    return [connected](const Event& event) {
        const auto* one = std::get_if<ConnectionEvent>(&event);
        return one != nullptr && one->connected == connected;
    };
}

void HypervisorTest::SetUpTestSuite() {
    if (PrivateLibvirt::missing().empty()) libvirt();
}

PrivateLibvirt& HypervisorTest::libvirt() {
    static PrivateLibvirt one;
    return one;
}

void HypervisorTest::SetUp() {
    if (const auto reason = PrivateLibvirt::missing(); !reason.empty()) GTEST_SKIP() << reason;
    LibvirtOptions options;
    options.uri = libvirt().uri();
    hypervisor_ = make_libvirt_hypervisor(options);
    EventRecorder events(*hypervisor_);
    ASSERT_TRUE(events.wait(is_connection(true))) << libvirt().daemon_log();
}

void HypervisorTest::TearDown() {
    if (!hypervisor_) return;
    for (const auto& domain : hypervisor_->list()) hypervisor_->destroy(domain.uuid);
    hypervisor_.reset();
}

DomainSpec HypervisorTest::tiny() {
    base::SystemRandom random;
    DomainSpec spec;
    spec.uuid = DomainUuid(random.uuid());
    spec.display_name = "a tiny machine";
    spec.machine_type = "pc-i440fx-7.2";
    spec.memory_bytes = 16U << 20;
    spec.cgroup_partition = libvirt().partition();
    return spec;
}

std::string HypervisorTest::boot_disk(std::string_view directory, const std::string& name,
                                      const std::vector<unsigned char>& code,
                                      std::uintmax_t size_bytes) {
    auto path = fmt::format("{}/{}", directory, name);
    std::vector<unsigned char> sector(512);
    std::copy(code.begin(), code.end(), sector.begin());
    sector[510] = 0x55;
    sector[511] = 0xAA;
    const auto outside = libvirt().outside(path);
    std::ofstream(outside, std::ios::binary)
        .write(reinterpret_cast<const char*>(sector.data()), 512);
    fs::resize_file(outside, size_bytes);
    return path;
}

ErrorKind error_of(const std::function<void()>& call, std::string* message) {
    try {
        call();
    } catch (const HypervisorError& error) {
        if (message) *message = error.what();
        return error.kind();
    }
    ADD_FAILURE() << "no HypervisorError";
    return ErrorKind::internal;
}

}  // namespace drover::hypervisor::testing
