#include "host/machines/disk_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drover::host {
namespace {

using machine::Provisioning;
using nlohmann::json;

machine::DiskToCreate disk() {
    machine::DiskToCreate made;
    made.file = "[ds] web/web \"1\".vmdk";
    made.capacity_bytes = (8LL << 40) + 512;
    made.provisioning = Provisioning::thick_eager;
    made.parent = "[ds] base/base.vmdk";
    made.adapter = "lsilogic";
    made.replace = true;
    return made;
}

TEST(DiskPlan, ComesBackFromAJournalAsItWent) {
    for (const auto provisioning :
         {Provisioning::thin, Provisioning::thick_lazy, Provisioning::thick_eager}) {
        auto before = disk();
        before.provisioning = provisioning;
        const auto after = disk_from_json(json::parse(to_json(before).dump()));
        EXPECT_EQ(after.file, before.file);
        EXPECT_EQ(after.capacity_bytes, before.capacity_bytes);
        EXPECT_EQ(after.provisioning, before.provisioning);
        EXPECT_EQ(after.parent, before.parent);
        EXPECT_EQ(after.adapter, before.adapter);
        EXPECT_EQ(after.replace, before.replace);
    }
}

TEST(DiskPlan, AJournalEntryThatLacksAnythingIsAnError) {
    const json whole = to_json(disk());
    for (const auto& field : whole.items()) {
        json part = whole;
        part.erase(field.key());
        EXPECT_THROW(disk_from_json(part), json::exception) << field.key();
        part[field.key()] = json::array();
        EXPECT_THROW(disk_from_json(part), json::exception) << field.key();
    }
}

TEST(DiskPlan, BecomesWhatStorageWants) {
    const auto spec = storage_spec(disk());
    EXPECT_EQ(spec.capacity_bytes, (8ULL << 40) + 512);
    EXPECT_EQ(spec.provisioning, storage::Provisioning::thick_eager);
    EXPECT_EQ(spec.adapter_type, "lsilogic");
    ASSERT_TRUE(spec.parent);
    EXPECT_EQ(spec.parent->to_string(), "[ds] base/base.vmdk");
    auto plain = disk();
    plain.parent.clear();
    plain.adapter.clear();
    plain.provisioning = Provisioning::thin;
    EXPECT_FALSE(storage_spec(plain).parent);
    EXPECT_EQ(storage_spec(plain).provisioning, storage::Provisioning::thin);
    EXPECT_EQ(storage_spec(plain).adapter_type, storage::DiskSpec().adapter_type);
}

TEST(DiskPlan, PathsStayInsideTheirDatastore) {
    EXPECT_EQ(path_of("[ds] a/b.vmdk").to_string(), "[ds] a/b.vmdk");
    for (const char* hostile : {"", "a.vmdk", "[ds] ../a.vmdk", "[ds] /etc/passwd/../a", "[] a"}) {
        EXPECT_THROW(path_of(hostile), std::exception) << hostile;
    }
}

}  // namespace
}  // namespace drover::host
