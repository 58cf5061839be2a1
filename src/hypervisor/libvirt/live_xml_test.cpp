#include "hypervisor/libvirt/live_xml.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <pugixml.hpp>
#include <sstream>

#include "hypervisor/hypervisor_error.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string live() {
    std::ostringstream text;
    text << std::ifstream(std::string(DROVER_TESTDATA) + "/live.xml").rdbuf();
    return text.str();
}

ErrorKind error_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const HypervisorError& error) {
        return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::internal;
}

TEST(LiveXml, TellsWhatADomainIs) {
    const auto info = parse_live_xml(live());
    EXPECT_EQ(info.uuid.value(), "564d2f1a-0c3b-4e5d-8f60-718293a4b5c6");
    EXPECT_EQ(info.display_name, "web-01 & more");
    EXPECT_EQ(info.vnc_port, 5900);
    EXPECT_EQ(info.vnc_address, "127.0.0.1");
    EXPECT_TRUE(info.agent_connected);
    EXPECT_EQ(info.serial_ptys, (std::map<std::uint32_t, std::string>{{1, "/dev/pts/4"}}));
    EXPECT_EQ(info.metadata,
              (std::map<std::string, std::string>{{"generation", "12"}, {"vmx", "/ds/a.vmx"}}));
}

TEST(LiveXml, AForeignDomainHasNoMetadata) {
    const auto info = parse_live_xml("<domain><name>n</name><uuid>u</uuid></domain>");
    EXPECT_FALSE(info.metadata.has_value());
    EXPECT_EQ(info.display_name, "n");
    EXPECT_FALSE(info.vnc_port.has_value());
    const auto other = parse_live_xml(
        "<domain><metadata><x:y xmlns:x='urn:other'><entry key='a'/></x:y></metadata></domain>");
    EXPECT_FALSE(other.metadata.has_value());
}

TEST(LiveXml, FindsMetadataUnderAnyPrefix) {
    const auto info = parse_live_xml(
        "<domain><metadata><q:machine xmlns:q='urn:drover:machine:1'><q:entry key='a' value='b'/>"
        "</q:machine></metadata></domain>");
    EXPECT_EQ(info.metadata, (std::map<std::string, std::string>{{"a", "b"}}));
}

TEST(LiveXml, RefusesWhatIsNoDomain) {
    for (const auto* bad : {"", "<domain", "<a/>", "no xml"})
        EXPECT_EQ(error_of([&] { parse_live_xml(bad); }), ErrorKind::internal) << bad;
}

TEST(LiveXml, MakesMediaChanges) {
    const auto with = media_change_xml(live(), "hdc", DiskImage{"/iso/a&b.iso", ImageFormat::raw});
    EXPECT_THAT(with, HasSubstr("file=\"/iso/a&amp;b.iso\""));
    EXPECT_THAT(with, Not(HasSubstr("/iso/old.iso")));
    EXPECT_THAT(with, HasSubstr("<target dev=\"hdc\""));
    const auto without = media_change_xml(live(), "hdc", std::nullopt);
    EXPECT_THAT(without, Not(HasSubstr("<source")));
    EXPECT_EQ(error_of([] { media_change_xml(live(), "sda", std::nullopt); }),
              ErrorKind::unsupported);
    EXPECT_EQ(error_of([] { media_change_xml(live(), "hdx", std::nullopt); }),
              ErrorKind::not_found);
}

TEST(LiveXml, MakesLinkChanges) {
    EXPECT_THAT(link_change_xml(live(), "00:50:56:8A:00:01", false),
                HasSubstr("<link state=\"down\""));
    EXPECT_THAT(link_change_xml(live(), "00:50:56:8a:00:02", true),
                HasSubstr("<link state=\"up\""));
    EXPECT_EQ(error_of([] { link_change_xml(live(), "00:50:56:8a:00:03", true); }),
              ErrorKind::not_found);
}

TEST(LiveXml, TellsWhereDisksAreGoing) {
    const auto moves = parse_disk_moves(R"(<domain><devices>
        <disk type='file' device='disk'><source file='/a/x.raw'/><target dev='sda'/>
            <mirror type='file' job='copy' ready='yes'><source file='/b/x.raw'/></mirror></disk>
        <disk type='file' device='disk'><source file='/a/y.raw'/><target dev='sdb'/>
            <mirror type='file' job='copy'><source file='/b/y.raw'/></mirror></disk>
        <disk type='file' device='disk'><source file='/a/z.raw'/><target dev='sdc'/>
            <mirror type='file' job='active-commit' ready='yes'/></disk>
        <disk type='file' device='cdrom'><source file='/i.iso'/><target dev='hdc'/></disk>
        </devices></domain>)");
    ASSERT_EQ(moves.size(), 3U);
    EXPECT_EQ(moves[0].path, "/a/x.raw");
    EXPECT_EQ(moves[0].destination_path, "/b/x.raw");
    EXPECT_TRUE(moves[0].ready);
    EXPECT_EQ(moves[1].target, "sdb");
    EXPECT_EQ(moves[1].destination_path, "/b/y.raw");
    EXPECT_FALSE(moves[1].ready);
    EXPECT_EQ(moves[2].destination_path, "");
    EXPECT_FALSE(moves[2].ready);
}

TEST(LiveXml, KeepsTheSavedCpuForHostModelOnly) {
    const std::string saved =
        "<domain><cpu mode='custom'><model>EPYC</model><feature name='a'/></cpu></domain>";
    const auto kept = keep_saved_cpu("<domain><a/><cpu mode='host-model'/><b/></domain>", saved);
    EXPECT_THAT(kept, HasSubstr("<model>EPYC</model>"));
    EXPECT_THAT(kept, Not(HasSubstr("host-model")));
    const std::string other = "<domain><cpu mode='maximum'/></domain>";
    EXPECT_EQ(keep_saved_cpu(other, saved), other);
}

}  // namespace
}  // namespace drover::hypervisor::libvirt
