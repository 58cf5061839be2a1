#include "task/dispatcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_world.hpp"
#include "task/test_runtime.hpp"

namespace drover::task {
namespace {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

class DispatcherTest : public testing::Test {
protected:
    DispatcherTest() {
        machine_ = world_.add_machine(1);
        caller_->session_key = "key";
        caller_->user = "alice";
        dispatcher_.add_direct("MarkAsTemplate", [this](const Call& call) {
            seen_ = call.self;
            return Value{};
        });
    }

    Value call(const MoRef& self, std::string_view method_name = "MarkAsTemplate") {
        const auto* method = vim::find_method(method_name);
        return test_.run(
            dispatcher_.invoke({self, method, vim::make_object(method->request), caller_}));
    }

    TestRuntime test_;
    model::testing::World world_;
    MoRef machine_;
    MoRef seen_;
    std::string refused_privilege_;
    std::shared_ptr<Caller> caller_ = std::make_shared<Caller>();
    Dispatcher dispatcher_{world_.inventory,
                           [this](const Caller&, const MoRef&, std::string_view privilege) {
                               return privilege != refused_privilege_;
                           }};
};

TEST_F(DispatcherTest, ServesAMethodOnTheObjectAsItReallyIs) {
    call({TypeId::ManagedObject, machine_.id});
    EXPECT_EQ(seen_, machine_);
}

TEST_F(DispatcherTest, WithoutASessionNothingIsToldNotEvenWhatExists) {
    caller_->session_key.clear();
    const MoRef nothing{TypeId::VirtualMachine, "vm-999"};
    for (const MoRef& object : {machine_, nothing, world_.host}) {
        try {
            call(object);
            FAIL() << "served without a session";
        } catch (const vim::Fault& fault) {
            ASSERT_EQ(fault.fault().dynamic_type(), TypeId::NotAuthenticated);
            const auto told = fault.fault().as<vim::NotAuthenticated>();
            EXPECT_EQ(told.object(), object);
            EXPECT_EQ(told.privilegeId(), "VirtualMachine.Provisioning.MarkAsTemplate");
        }
    }
    EXPECT_FALSE(seen_);
}

TEST_F(DispatcherTest, AnonymousMethodsNeedNoSession) {
    caller_->session_key.clear();
    const MoRef instance{TypeId::ServiceInstance, "ServiceInstance"};
    {
        model::Transaction transaction(world_.inventory);
        transaction.create(instance.type, instance.id);
        transaction.commit();
    }
    dispatcher_.add_direct("RetrieveServiceContent",
                           [](const Call&) { return Value::boolean(true); });
    EXPECT_TRUE(call(instance, "RetrieveServiceContent").as_boolean());
}

TEST_F(DispatcherTest, UnknownObjects) {
    const MoRef nothing{TypeId::VirtualMachine, "vm-999"};
    EXPECT_EQ(fault_name([&] { call(nothing); }), "ManagedObjectNotFound");
}

TEST_F(DispatcherTest, AMethodOfAnotherType) {
    try {
        call(world_.host);
        FAIL();
    } catch (const vim::Fault& fault) {
        ASSERT_EQ(fault.fault().dynamic_type(), TypeId::MethodNotFound);
        EXPECT_EQ(fault.fault().as<vim::MethodNotFound>().method(), "MarkAsTemplate");
        EXPECT_EQ(fault.fault().as<vim::MethodNotFound>().receiver(), world_.host);
    }
    // The type that the client claims does not help it.
    EXPECT_EQ(fault_name([&] { call({TypeId::VirtualMachine, world_.host.id}); }),
              "MethodNotFound");
}

TEST_F(DispatcherTest, AMissingPrivilegeIsNamed) {
    refused_privilege_ = "VirtualMachine.Provisioning.MarkAsTemplate";
    try {
        call(machine_);
        FAIL();
    } catch (const vim::Fault& fault) {
        ASSERT_EQ(fault.fault().dynamic_type(), TypeId::NoPermission);
        EXPECT_EQ(fault.fault().as<vim::NoPermission>().privilegeId(), refused_privilege_);
        EXPECT_EQ(fault.fault().as<vim::NoPermission>().object(), machine_);
    }
    EXPECT_FALSE(seen_);
}

TEST_F(DispatcherTest, MethodsThatNobodyServes) {
    EXPECT_FALSE(dispatcher_.serves(*vim::find_method("PowerOnVM_Task")));
    EXPECT_TRUE(dispatcher_.serves(*vim::find_method("MarkAsTemplate")));
    EXPECT_EQ(fault_name([&] { call(machine_, "PowerOnVM_Task"); }), "NotSupported");
}

TEST_F(DispatcherTest, FaultsOfHandlersComeThrough) {
    dispatcher_.add("MarkAsVirtualMachine", [](Call) -> Awaitable<Value> {
        throw vim::make_fault<vim::InvalidState>("Not now.");
        co_return Value{};
    });
    EXPECT_EQ(fault_name([&] { call(machine_, "MarkAsVirtualMachine"); }), "InvalidState");
}

TEST_F(DispatcherTest, AMethodHasOneHandler) {
    EXPECT_DEATH(dispatcher_.add_direct("MarkAsTemplate", [](const Call&) { return Value{}; }), "");
    EXPECT_DEATH(dispatcher_.add_direct("NoSuchMethod", [](const Call&) { return Value{}; }), "");
}

}  // namespace
}  // namespace drover::task
