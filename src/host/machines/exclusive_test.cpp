#include <gtest/gtest.h>

#include "host/machines/machine.hpp"

namespace drover::host {
namespace {

vim::MoRef holder_of(const std::shared_ptr<Machine>& machine) {
    try {
        const Exclusive second(machine, {vim::TypeId::Task, "haTask-2"});
    } catch (const vim::Fault& fault) {
        return fault.fault().as<vim::TaskInProgress>().task();
    }
    return {};
}

TEST(Exclusive, NamesTheTaskThatHasTheMachine) {
    const auto machine = std::make_shared<Machine>();
    {
        const Exclusive first(machine, {vim::TypeId::Task, "haTask-1"});
        EXPECT_EQ(holder_of(machine).id, "haTask-1");
    }
    EXPECT_EQ(holder_of(machine), vim::MoRef{});
    EXPECT_FALSE(machine->busy);
}

// An empty reference can't be read by whoever asks for the task that has failed by it.
TEST(Exclusive, NamesATaskWhereThereIsNone) {
    const auto machine = std::make_shared<Machine>();
    const Exclusive first(machine, {});
    EXPECT_EQ(holder_of(machine).type, vim::TypeId::Task);
    EXPECT_FALSE(holder_of(machine).id.empty());
}

}  // namespace
}  // namespace drover::host
