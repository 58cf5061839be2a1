#include "hypervisor/libvirt/migration_xml.hpp"

#include <gmock/gmock.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "hypervisor/hypervisor_error.hpp"
#include "hypervisor/libvirt/domain_xml.hpp"
#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/live_xml.hpp"
#include "hypervisor/libvirt/params_parse.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* machine = R"(<domain type='qemu'><name>x</name>
<metadata><other:thing xmlns:other="urn:other"/>
<drover:machine xmlns:drover="urn:drover:machine:1">
<drover:entry key="a" value="1"/></drover:machine>
</metadata><memory unit='KiB'>65536</memory>
<resource><partition>/old</partition></resource>
<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type><nvram>/ds/one/vm/vm.nvram</nvram></os>
<cpu mode='custom' match='exact'><model>qemu64</model></cpu>
<devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='/ds/one/vm/a.qcow2'/>
<backingStore type='file'><format type='raw'/>
<source file='/ds/one/base/b.raw'/><backingStore/></backingStore>
<target dev='sda' bus='scsi'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/ds/oneself/c.raw'/>
<target dev='sdb' bus='scsi'/></disk>
<interface type='bridge'><source bridge='br0'/></interface>
<interface type='bridge'><source bridge='br1'/></interface>
<serial type='file'><source path='/ds/one/vm/serial.log'/></serial>
<serial type='unix'><source mode='bind' path='/run/x.sock'/><log file='/ds/one/vm/log'/></serial>
</devices></domain>)";

MigrationSpec spec() {
    MigrationSpec spec;
    spec.destination_socket = "/run/s";
    spec.destination_address = "10.0.0.2";
    spec.tls_name = "there";
    return spec;
}

TEST(MigrationXml, MapsPrefixesByWholeComponents) {
    const std::map<std::string, std::string> paths{
        {"/ds/one", "/ds/two"}, {"/ds/one/vm", "/x"}, {"/t/", "/u/"}};
    EXPECT_EQ(map_path("/ds/one/vm/a", paths), "/x/a");
    EXPECT_EQ(map_path("/ds/one/vmx", paths), "/ds/two/vmx");
    EXPECT_EQ(map_path("/ds/one", paths), "/ds/two");
    EXPECT_EQ(map_path("/ds/oneself/a", paths), "/ds/oneself/a");
    EXPECT_EQ(map_path("/t/a", paths), "/u/a");
    EXPECT_EQ(map_path("", paths), "");
}

TEST(MigrationXml, MovesEverythingThatNamesTheHost) {
    auto to = spec();
    to.paths = {{"/ds/one", "/ds/two"}};
    to.bridges = {{"br0", "drv7"}};
    to.metadata = std::map<std::string, std::string>{{"b", "<2>"}};
    to.cgroup_partition = "/drover";
    const auto xml = destination_xml(machine, to);
    EXPECT_THAT(xml, HasSubstr("/ds/two/vm/a.qcow2"));
    EXPECT_THAT(xml, HasSubstr("/ds/two/base/b.raw"));
    EXPECT_THAT(xml, HasSubstr("/ds/oneself/c.raw"));
    EXPECT_THAT(xml, HasSubstr("/ds/two/vm/vm.nvram"));
    EXPECT_THAT(xml, HasSubstr("/ds/two/vm/serial.log"));
    EXPECT_THAT(xml, HasSubstr("/ds/two/vm/log"));
    EXPECT_THAT(xml, HasSubstr("/run/x.sock"));
    EXPECT_THAT(xml, HasSubstr("bridge=\"drv7\""));
    EXPECT_THAT(xml, HasSubstr("bridge=\"br1\""));
    EXPECT_THAT(xml, HasSubstr("<partition>/drover</partition>"));
    EXPECT_THAT(xml, HasSubstr("urn:other"));
    EXPECT_THAT(xml, Not(HasSubstr("/ds/one/")));
    EXPECT_EQ(parse_live_xml(xml).metadata, to.metadata);
}

std::string with_second_monitor() {
    return std::string("<domain><memory>1</memory>") +
           "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
           "<qemu:arg value='-chardev'/><qemu:arg value='" +
           guard_socket("/run/here/a.qmp") +
           "'/><qemu:arg value='-mon'/><qemu:arg value='chardev=guard,mode=control'/>"
           "<qemu:arg value='-kept'/></qemu:commandline></domain>";
}

TEST(MigrationXml, MovesTheSecondMonitor) {
    const std::string guarded = with_second_monitor();
    auto to = spec();
    to.metadata = std::map<std::string, std::string>{{"monitor", "/run/there/b,c.qmp"}};
    const auto xml = destination_xml(guarded, to);
    EXPECT_THAT(xml, HasSubstr("socket,id=guard,path=/run/there/b,,c.qmp,server=on"));
    EXPECT_THAT(xml, Not(HasSubstr("/run/here")));
    to.metadata = std::map<std::string, std::string>{{"spare_monitor", "/run/there/b.free"}};
    EXPECT_THAT(destination_xml(guarded, to), HasSubstr("socket,id=guard,path=/run/there/b.free,"));
}

TEST(MigrationXml, LeavesTheSecondMonitorWhereNobodyWantsIt) {
    const std::string guarded = with_second_monitor();
    auto to = spec();
    to.metadata = std::map<std::string, std::string>{{"vmx", "x"}};
    const auto xml = destination_xml(guarded, to);
    EXPECT_THAT(xml, Not(HasSubstr("guard")));
    EXPECT_THAT(xml, Not(HasSubstr("-chardev")));
    EXPECT_THAT(xml, Not(HasSubstr("-mon")));
    EXPECT_THAT(xml, HasSubstr("-kept"));
}

TEST(MigrationXml, PlacesCopies) {
    auto to = spec();
    to.disks_to_copy = {{"sda", "/new/a.raw", ImageFormat::raw, false}};
    auto xml = destination_xml(machine, to);
    EXPECT_THAT(xml, HasSubstr("<driver name=\"qemu\" type=\"raw\"/><source file=\"/new/a.raw\"/>"
                               "<backingStore/>"));
    EXPECT_THAT(xml, Not(HasSubstr("b.raw")));
    to.disks_to_copy = {{"sda", "/new/a.qcow2", ImageFormat::qcow2, true}};
    xml = destination_xml(machine, to);
    EXPECT_THAT(xml, HasSubstr("b.raw"));
    to.disks_to_copy = {{"sdz", "/new/z", ImageFormat::raw, false}};
    EXPECT_THROW(destination_xml(machine, to), HypervisorError);
    EXPECT_THROW(destination_xml("<html/>", spec()), HypervisorError);
}

TEST(MigrationXml, RefusesWhatMakesNoSense) {
    const auto refused = [](auto change) {
        auto to = spec();
        change(to);
        try {
            validate(to);
            return false;
        } catch (const HypervisorError& error) {
            return error.kind() == ErrorKind::invalid_spec;
        }
    };
    EXPECT_FALSE(refused([](auto&) {}));
    EXPECT_TRUE(refused([](auto& to) { to.tls_name.clear(); }));
    EXPECT_TRUE(refused([](auto& to) { to.destination_address = "host"; }));
    EXPECT_TRUE(refused([](auto& to) { to.destination_socket = "run"; }));
    EXPECT_TRUE(refused([](auto& to) { to.parallel_connections = 0; }));
    EXPECT_TRUE(refused([](auto& to) { to.bandwidth_bytes_per_s = 0; }));
    EXPECT_TRUE(refused([](auto& to) { to.downtime_limit = std::chrono::hours(1); }));
    EXPECT_TRUE(refused([](auto& to) {
        to.disks_to_copy = {{"sda", "/a", ImageFormat::raw, true},
                            {"sdb", "/b", ImageFormat::raw, false}};
    }));
}

TEST(MigrationXml, CarriesTheCpu) {
    const auto demand = parse_cpu_text(cpu_text(machine));
    EXPECT_EQ(demand.machine, "pc-i440fx-7.2");
    EXPECT_EQ(demand.virt_type, "qemu");
    EXPECT_THAT(demand.cpu_xml, HasSubstr("<model>qemu64</model>"));
    EXPECT_THROW(parse_cpu_text("x"), HypervisorError);
    EXPECT_THROW(parse_cpu_text(std::string(1 << 20, ' ')), HypervisorError);
}

TEST(MigrationXml, ReadsAJobsFigures) {
    TypedParams params;
    EXPECT_EQ(parse_migration_progress(params).phase, MigrationPhase::preparing);
    params.set("disk_total", std::uint64_t{1000});
    params.set("disk_processed", std::uint64_t{400});
    params.set("disk_remaining", std::uint64_t{600});
    EXPECT_EQ(parse_migration_progress(params).phase, MigrationPhase::copying_disks);
    params.set("memory_total", std::uint64_t{5000});
    params.set("memory_processed", std::uint64_t{100});
    params.set("memory_remaining", std::uint64_t{4900});
    params.set("memory_dirty_rate", std::uint64_t{7});
    params.set("memory_page_size", std::uint64_t{4096});
    params.set("memory_iteration", std::uint64_t{3});
    params.set("downtime", std::uint64_t{250});
    const auto progress = parse_migration_progress(params);
    EXPECT_EQ(progress.phase, MigrationPhase::copying_memory);
    EXPECT_EQ(progress.total_bytes, 6000U);
    EXPECT_EQ(progress.transferred_bytes, 500U);
    EXPECT_EQ(progress.remaining_bytes, 5500U);
    EXPECT_EQ(progress.dirty_bytes_per_s, 7U * 4096);
    EXPECT_EQ(progress.iteration, 3U);
    EXPECT_EQ(progress.expected_downtime, std::chrono::milliseconds(250));
}

TEST(MigrationErrors, TellThePeersFromTheOwn) {
    const auto kind = [](int code, int from, std::string_view message) {
        return classify_migration(code, from, 0, message);
    };
    EXPECT_EQ(kind(VIR_ERR_OPERATION_ABORTED, 0, "canceled by client"), ErrorKind::cancelled);
    EXPECT_EQ(kind(VIR_ERR_OPERATION_FAILED, 0, "The certificate hasn't got a known issuer"),
              ErrorKind::peer_untrusted);
    EXPECT_EQ(kind(VIR_ERR_SYSTEM_ERROR, 0,
                   "Failed to connect socket to '/x': No such file or directory"),
              ErrorKind::peer_unreachable);
    EXPECT_EQ(kind(VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC, "client socket is closed"),
              ErrorKind::peer_unreachable);
    EXPECT_EQ(
        kind(VIR_ERR_SYSTEM_ERROR, 0, "Cannot access storage file '/x': No such file or directory"),
        ErrorKind::missing_file);
    EXPECT_EQ(kind(VIR_ERR_INTERNAL_ERROR, 0, "qemu unexpectedly closed the monitor"),
              ErrorKind::peer_unreachable);
    EXPECT_EQ(kind(VIR_ERR_OPERATION_FAILED, 0,
                   "guest CPU doesn't match specification: missing features: avx2"),
              ErrorKind::incompatible_cpu);
}

}  // namespace
}  // namespace drover::hypervisor::libvirt
