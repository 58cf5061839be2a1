#include "vmx/vmx_file.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <stdexcept>

namespace drover::vmx {
namespace {

constexpr std::string_view kSample =
    "#!/usr/bin/vmware\r\n"
    ".encoding = \"UTF-8\"\r\n"
    "config.version = \"8\"\n"
    "\n"
    "# disks\n"
    "scsi0:0.present   =   \"TRUE\"   # the first\n"
    "scsi0:0.fileName = \"demo.vmdk\"\n"
    "scsi0:1.present = \"FALSE\"\n"
    "scsi0:10.present = \"TRUE\"\n"
    "memSize = 512\n"
    "what is this\n"
    "annotation = \"say |22hi|22 |7C tab|09\"\n";

TEST(VmxFile, ReadsWhatVmwareWrites) {
    const auto file = VmxFile::parse(kSample);
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->get("SCSI0:0.FILENAME"), "demo.vmdk");
    EXPECT_EQ(file->get_integer("memsize"), 512);
    EXPECT_EQ(file->get("annotation"), "say \"hi\" | tab\t");
    EXPECT_EQ(file->get_bool("scsi0:0.present"), true);
    EXPECT_EQ(file->get_bool("scsi0:1.present"), false);
    EXPECT_EQ(file->get_bool("memsize"), std::unexpected(ValueProblem::malformed));
    EXPECT_EQ(file->get_bool("nothing"), std::unexpected(ValueProblem::absent));
    EXPECT_EQ(file->get_integer("memsize", 0, 511), std::unexpected(ValueProblem::malformed));
    EXPECT_EQ(file->size(), 8u);
}

TEST(VmxFile, ChangesOnlyWhatIsSet) {
    auto file = VmxFile::parse(kSample).value();
    file.set("MEMSIZE", "1024");
    file.set("scsi0:0.present", "TRUE");  // unchanged: keeps its layout and comment
    file.set("new.key", "a\nb");
    EXPECT_EQ(file.remove_prefix("SCSI0:1."), 1u);
    EXPECT_TRUE(file.remove("config.version"));
    EXPECT_FALSE(file.remove("config.version"));
    EXPECT_EQ(file.to_string(),
              "#!/usr/bin/vmware\n.encoding = \"UTF-8\"\n\n# disks\n"
              "scsi0:0.present   =   \"TRUE\"   # the first\n"
              "scsi0:0.fileName = \"demo.vmdk\"\nscsi0:10.present = \"TRUE\"\n"
              "memSize = \"1024\"\nwhat is this\n"
              "annotation = \"say |22hi|22 |7C tab|09\"\nnew.key = \"a|0Ab\"\n");
    EXPECT_EQ(file.get("memsize"), "1024");
    EXPECT_EQ(file.keys("scsi0:").size(), 3u);
}

TEST(VmxFile, NamesLineAndReasonOfWhatItRefuses) {
    const auto reason = [](std::string_view text) {
        const auto file = VmxFile::parse(text);
        return file ? std::string("accepted") : file.error().message();
    };
    EXPECT_EQ(reason("a = \"1\"\nb = \"open\n"), "line 2: b: the quotation mark is never closed");
    EXPECT_EQ(reason("a = \"1\"\nA = \"2\"\n"), "line 2: A: the key is defined twice");
    EXPECT_EQ(reason("a = \"1\" 2\n"), "line 1: a: there is text after the closing quotation mark");
    EXPECT_EQ(reason("a = \"|00\"\n"), "line 1: a: the value is not valid text");
    EXPECT_EQ(reason("a = \"|ff\"\n"), "line 1: a: the value is not valid text");
    EXPECT_EQ(reason(std::string_view("a\0b", 3)), "the file contains a NUL byte");
    EXPECT_EQ(reason(".encoding = \"UTF-8\"\na = \"\xff\"\n"), "the text is not valid UTF-8");
    EXPECT_EQ(reason(".encoding = \"../../evil\"\n"), "the encoding '../../evil' is not known");
    EXPECT_EQ(reason(std::string(VmxFile::kMaxFileBytes + 1, '#')),
              "the file is longer than 1 MiB");
    EXPECT_EQ(reason("a = \"" + std::string(VmxFile::kMaxValueBytes + 1, 'x') + "\"\n"),
              "line 1: a: the value is longer than 64 KiB");
    std::string many;
    for (std::size_t i = 0; i <= VmxFile::kMaxKeys; ++i) many += "k" + std::to_string(i) + " = 1\n";
    EXPECT_EQ(reason(many), "line 16385: there are more than 16384 keys");
}

TEST(VmxFile, TurnsOldEncodingsIntoUtf8) {
    auto file = VmxFile::parse(".encoding = \"windows-1252\"\ndisplayName = \"M\xfcller\"\n");
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->get("displayname"), "M\xc3\xbcller");
    EXPECT_EQ(file->get(".encoding"), "UTF-8");
    // 0x5c and 0x7c are second bytes in this encoding, not a backslash and a bar
    file = VmxFile::parse(".encoding = \"Shift_JIS\"\nn = \"\x83\x7c\x34\x31\"\n");
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->get("n"),
              "\xe3\x83\x9d"
              "41");
    file = VmxFile::parse("displayName = \"caf\xe9\"\n");  // names none
    ASSERT_TRUE(file);
    EXPECT_EQ(file->get("displayName"), "caf\xc3\xa9");
}

TEST(VmxFile, RefusesToBecomeUnreadable) {
    VmxFile file;
    EXPECT_THROW(file.set("", "x"), std::invalid_argument);
    EXPECT_THROW(file.set("a b", "x"), std::invalid_argument);
    EXPECT_THROW(file.set("a=b", "x"), std::invalid_argument);
    EXPECT_THROW(file.set("a\n", "x"), std::invalid_argument);
    EXPECT_THROW(file.set("a", std::string_view("\0", 1)), std::invalid_argument);
    EXPECT_THROW(file.set("a", "\xc0\x80"), std::invalid_argument);
    const std::string big(VmxFile::kMaxValueBytes, '|');  // three bytes each when written
    EXPECT_THROW(for (int i = 0; i < 100; ++i) file.set("k" + std::to_string(i), big),
                 std::invalid_argument);
    EXPECT_TRUE(VmxFile::parse(file.to_string()));
}

rc::Gen<std::string> any_key() {
    return rc::gen::nonEmpty(
        rc::gen::container<std::string>(rc::gen::elementOf(std::string("abcXYZ019.:_-|"))));
}

rc::Gen<std::string> any_value() {
    return rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
}

RC_GTEST_PROP(VmxFileProperty, WrittenIsReadBack, ()) {
    std::map<std::string, std::string> model;
    VmxFile file;
    const auto steps = *rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
        rc::gen::pair(any_key(), any_value()));
    for (const auto& [key, value] : steps) {
        if (value.size() % 5 == 4) {
            RC_ASSERT(file.remove(key) == (model.erase(lower_case(key)) == 1));
        } else {
            file.set(key, value);
            model[lower_case(key)] = value;
        }
    }
    const auto again = VmxFile::parse(file.to_string());
    RC_ASSERT(again.has_value());
    RC_ASSERT(again->size() == model.size());
    for (const auto& [key, value] : model) RC_ASSERT(again->get(key) == value);
    RC_ASSERT(again->to_string() == file.to_string());
}

RC_GTEST_PROP(VmxFileProperty, EscapingIsReversible, (const std::string& value)) {
    RC_ASSERT(VmxFile::unescape(VmxFile::escape(value)) == value);
}

RC_GTEST_PROP(VmxFileProperty, AnyBytesAreReadOrRefused, (const std::string& bytes)) {
    const auto file = VmxFile::parse(bytes);
    if (file) RC_ASSERT(VmxFile::parse(file->to_string()).has_value());
}

}  // namespace
}  // namespace drover::vmx
