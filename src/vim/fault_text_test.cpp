#include "vim/fault_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vim/fault.hpp"
#include "vim/soap.hpp"

namespace drover::vim {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(FaultText, EveryFaultHasASentence) {
    int faults = 0;
    for (const TypeDescriptor& type : all_types()) {
        const TypeId id = find_type(type.name());
        if (type.kind != TypeKind::data || !is_a(id, TypeId::MethodFault)) continue;
        ++faults;
        const std::string text = default_fault_text(id);
        EXPECT_GT(text.size(), 4U) << type.name();
        EXPECT_EQ(text.back(), '.') << text;
        EXPECT_EQ(text.find("  "), std::string::npos) << text;
    }
    EXPECT_GT(faults, 500);
}

TEST(FaultText, ATypeWithoutATextIsSpelledOut) {
    EXPECT_EQ(default_fault_text(TypeId::NotAuthenticated), "The session is not authenticated.");
    EXPECT_THAT(default_fault_text(TypeId::InvalidDatastoreState),
                StartsWith("Invalid datastore state. The operation is not"));
    EXPECT_THAT(default_fault_text(TypeId::SSLVerifyFault), StartsWith("SSL verify fault."));
    EXPECT_THAT(default_fault_text(TypeId::CpuHotPlugNotSupported),
                StartsWith("Cpu hot plug not supported."));
}

TEST(FaultText, FillsWhatItsThrowerLeftOut) {
    const auto fault = make_fault<NotAuthenticated>("");
    EXPECT_EQ(fault.message(), "The session is not authenticated.");
    EXPECT_EQ(fault.localized().localizedMessage(), "The session is not authenticated.");
    EXPECT_THAT(encode_soap_fault(fault, newest_release()),
                HasSubstr("<faultstring>The session is not authenticated.</faultstring>"));
}

}  // namespace
}  // namespace drover::vim
