#include "hypervisor/libvirt/host_xml.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "hypervisor/hypervisor_error.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using ::testing::ElementsAre;

TEST(HostXml, ReadsCapabilities) {
    std::ostringstream text;
    text << std::ifstream(std::string(DROVER_TESTDATA) + "/capabilities.xml").rdbuf();
    HostInfo info;
    EXPECT_TRUE(parse_capabilities(text.str(), info));
    EXPECT_EQ(info.host_uuid, "9f2b6d0e-9c1f-4a55-8a70-6c1d6f1f0a11");
    EXPECT_EQ(info.cpu_model, "EPYC-Rome");
    EXPECT_EQ(info.cpu_vendor, "AMD");
    EXPECT_THAT(info.cpu_features, ElementsAre("avx2", "x2apic"));
    ASSERT_EQ(info.numa_cells.size(), 2U);
    EXPECT_EQ(info.numa_cells[1].memory_bytes, 2U << 20);
    EXPECT_THAT(info.numa_cells[0].cpus, ElementsAre(0U, 2U));
    EXPECT_THAT(info.machine_types, ElementsAre("pc-i440fx-7.2", "pc-q35-7.2"));
    EXPECT_EQ(info.default_machine_type, "pc-i440fx-7.2");
}

TEST(HostXml, RefusesWhatIsNoCapabilities) {
    HostInfo info;
    EXPECT_THROW(parse_capabilities("", info), HypervisorError);
    EXPECT_THROW(parse_capabilities("<domain/>", info), HypervisorError);
    EXPECT_FALSE(parse_capabilities("<capabilities/>", info));
}

TEST(MachineCpu, IsTheEnginesHostModel) {
    const auto cpu = model_cpu_xml(R"(<domainCapabilities><cpu>
        <mode name='maximum' supported='yes'/>
        <mode name='host-model' supported='yes'><model fallback='forbid'>EPYC</model>
        <vendor>AMD</vendor><feature policy='disable' name='sha-ni'/></mode>
        </cpu></domainCapabilities>)");
    EXPECT_EQ(cpu, R"(<cpu mode="custom" match="exact"><model fallback="forbid">EPYC</model>)"
                   R"(<vendor>AMD</vendor><feature policy="disable" name="sha-ni"/></cpu>)");
    EXPECT_EQ(model_cpu_xml("<domainCapabilities><cpu><mode name='host-model' supported='no'/>"
                            "</cpu></domainCapabilities>"),
              "");
    EXPECT_EQ(model_cpu_xml("<"), "");
}

TEST(MachineCpu, HasWhatIsNotDisabled) {
    HostInfo info;
    info.cpu_features = {"other"};
    parse_expanded_cpu(R"(<cpu><model>EPYC</model><vendor>AMD</vendor>
        <feature policy='require' name='sse'/><feature policy='disable' name='sha-ni'/>
        <feature policy='require' name='aes'/></cpu>)",
                       info);
    EXPECT_EQ(info.cpu_model, "EPYC");
    EXPECT_EQ(info.cpu_vendor, "AMD");
    EXPECT_THAT(info.cpu_features, ElementsAre("aes", "sse"));
}

TEST(CpuInfo, NeedsVmxOrSvmAsAWord) {
    const auto with = [](std::string flags) {
        return parse_cpuinfo("processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: " + flags +
                             "\n\nprocessor\t: 1\nflags: svm\n");
    };
    EXPECT_EQ(with("fpu").brand, "AMD EPYC");
    EXPECT_TRUE(with("fpu svm lm").hardware_virtualization);
    EXPECT_TRUE(with("vmx").hardware_virtualization);
    EXPECT_FALSE(with("fpu svm_lock xvmx vmxx").hardware_virtualization);
    EXPECT_FALSE(parse_cpuinfo("").hardware_virtualization);
    EXPECT_FALSE(parse_cpuinfo("flags").hardware_virtualization);
}

constexpr const char* descriptor = R"({
  "interface-types": ["uefi"],
  "mapping": {"device": "flash",
              "executable": {"filename": "/f/CODE.fd", "format": "raw"},
              "nvram-template": {"filename": "/f/VARS.fd", "format": "raw"}},
  "targets": [{"architecture": "aarch64", "machines": ["virt-*"]},
              {"architecture": "x86_64", "machines": ["pc-q35-*"]}],
  "features": ["secure-boot", "enrolled-keys"]})";

TEST(Firmware, ReadsADescriptor) {
    const auto firmware = parse_firmware_descriptor(descriptor);
    ASSERT_TRUE(firmware.has_value());
    EXPECT_EQ(firmware->loader_path, "/f/CODE.fd");
    EXPECT_EQ(firmware->nvram_template, "/f/VARS.fd");
    EXPECT_TRUE(firmware->secure_boot);
    EXPECT_TRUE(firmware->enrolled_keys);
    EXPECT_THAT(firmware->machine_patterns, ElementsAre("pc-q35-*"));
}

TEST(Firmware, PassesOverAllElse) {
    for (const auto* text :
         {"", "[]", "null", "{", "{\"interface-types\": 3}", R"({"interface-types": ["bios"]})",
          R"({"interface-types": ["uefi"], "mapping": []})"})
        EXPECT_FALSE(parse_firmware_descriptor(text).has_value()) << text;
    // Cut short anywhere, it is none.
    const std::string_view whole = descriptor;
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_FALSE(parse_firmware_descriptor(whole.substr(0, length)).has_value());
    EXPECT_FALSE(parse_firmware_descriptor(std::string(100000, '[')).has_value());
}

}  // namespace
}  // namespace drover::hypervisor::libvirt
