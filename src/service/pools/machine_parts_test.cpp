#include "service/pools/machine_parts.hpp"

#include <gtest/gtest.h>

namespace drover::service {
namespace {

TEST(MachineParts, ReadsWhatItWrites) {
    const MachineParts parts{{"12", {2000, -1, -1}}, {"vm-7", {1, 500, 256}}};
    EXPECT_EQ(text_of(parts), "12:2000,-1,-1;vm-7:1,500,256");
    EXPECT_EQ(parse_machine_parts(text_of(parts)), parts);
    EXPECT_EQ(parse_machine_parts(""), MachineParts{});
}

TEST(MachineParts, RefusesWhatIsNone) {
    for (const auto text : {"12", "12:", "12:1", "12:1,2", "12:1,2,3,4", ":1,2,3", "12:0,1,1",
                            "12:1,-2,1", "12:1,x,1", "12:1,1,99999999999999999999"}) {
        EXPECT_FALSE(parse_machine_parts(text)) << text;
    }
    EXPECT_FALSE(parse_machine_parts(std::string(kMostMachinePartsBytes + 1, ';')));
}

}  // namespace
}  // namespace drover::service
