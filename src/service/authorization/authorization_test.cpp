// Roles, permissions and what follows from them, by the methods of AuthorizationManager.

#include "service/authorization/authorization_manager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_world.hpp"
#include "service/authorization/entity_properties.hpp"
#include "service/authorization/method_privileges.hpp"
#include "store/temporary_directory.hpp"
#include "task/test_runtime.hpp"
#include "vim/security_types.hpp"

namespace drover::service {
namespace {

using task::Call;
using task::Caller;
using task::fault_name;
using testing::ElementsAre;
using testing::IsEmpty;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

const MoRef kManager{TypeId::AuthorizationManager, "am"};

class AuthorizationTest : public testing::Test {
protected:
    AuthorizationTest() {
        Accounts accounts(*store_);
        accounts.set_password("root", "a long secret");
        accounts.set_password("alice", "another secret");
        machine_ = world_.add_machine(1);
        begin();
    }

    // As after a start of the daemon.
    void begin() {
        manager_.reset();
        dispatcher_.reset();
        authorization_.reset();
        if (world_.inventory.find(kManager) != nullptr) {
            model::Transaction transaction(world_.inventory);
            transaction.destroy(kManager);
            transaction.commit();
        }
        authorization_.emplace(
            Authorization::Parts{test_.runtime, world_.inventory, *store_, world_.root, {}});
        dispatcher_.emplace(world_.inventory, [this](const Caller& caller, const MoRef& object,
                                                     std::string_view privilege) {
            return authorization_->may(caller, object, privilege);
        });
        dispatcher_->also_require([this](const Call& call) {
            return requirements_of(call, world_.inventory,
                                   [this](std::string_view) { return world_.datastore; });
        });
        manager_.emplace(*dispatcher_, *authorization_, sessions_, kManager);
        for (const auto* method :
             {"PowerOnVM_Task", "MarkAsVirtualMachine", "ReconfigVM_Task", "Destroy_Task"}) {
            dispatcher_->add_direct(method, [](const Call&) { return Value::string("served"); });
        }
        test_.run(authorization_->load());
        test_.settle();
    }

    std::shared_ptr<Caller> caller(const std::string& user) {
        auto made = std::make_shared<Caller>();
        made->user = user;
        made->session_key = "session of " + user;
        return made;
    }
    template <class Request>
    Value call(const std::string& user, std::string_view method, const MoRef& self,
               const Request& request) {
        return test_.run(
            dispatcher_->invoke({self, vim::find_method(method), request.raw(), caller(user)}));
    }
    Value call(const std::string& user, std::string_view method, const MoRef& self) {
        const auto* descriptor = vim::find_method(method);
        return test_.run(dispatcher_->invoke(
            {self, descriptor, vim::make_object(descriptor->request), caller(user)}));
    }
    int add_role(const std::string& name, const std::vector<std::string_view>& privileges) {
        auto request = vim::AddAuthorizationRoleRequest::make();
        request.set_name(name);
        request.set_privIds(privileges);
        return static_cast<int>(
            call("root", "AddAuthorizationRole", kManager, request).as_integer());
    }
    void grant(const MoRef& entity, const std::string& user, int role) {
        auto permission = vim::Permission::make();
        permission.set_principal(user);
        permission.set_group(false);
        permission.set_roleId(role);
        permission.set_propagate(true);
        auto request = vim::SetEntityPermissionsRequest::make();
        request.set_entity(entity);
        request.set_permission({permission});
        call("root", "SetEntityPermissions", kManager, request);
    }
    void revoke(const MoRef& entity, const std::string& user) {
        auto request = vim::RemoveEntityPermissionRequest::make();
        request.set_entity(entity);
        request.set_user(user);
        request.set_isGroup(false);
        call("root", "RemoveEntityPermission", kManager, request);
    }
    void remove_role(int id, bool fail_if_used) {
        auto request = vim::RemoveAuthorizationRoleRequest::make();
        request.set_roleId(id);
        request.set_failIfUsed(fail_if_used);
        call("root", "RemoveAuthorizationRole", kManager, request);
    }
    bool may(const std::string& user, const MoRef& object, std::string_view privilege) {
        return authorization_->may(*caller(user), object, privilege);
    }

    task::TestRuntime test_;
    model::testing::World world_;
    store::TemporaryDirectory directory_;
    std::unique_ptr<store::Store> store_ = store::open_sqlite_store(directory_.path() / "test.db");
    base::SeededRandom random_{1};
    Sessions sessions_{test_.clock, random_};
    MoRef machine_;
    std::optional<Authorization> authorization_;
    std::optional<task::Dispatcher> dispatcher_;
    std::optional<AuthorizationManager> manager_;
};

TEST_F(AuthorizationTest, TheFirstAccountAdministersAndNobodyElseMayAnything) {
    EXPECT_TRUE(may("root", machine_, "VirtualMachine.Interact.PowerOn"));
    EXPECT_FALSE(may("alice", machine_, "System.View"));
    EXPECT_FALSE(may("alice", world_.root, "System.View"));
    EXPECT_FALSE(authorization_->access_of("alice")->may_see_anything());
    EXPECT_EQ(call("root", "PowerOnVM_Task", machine_).as_string(), "served");
    EXPECT_EQ(fault_name([&] { call("alice", "PowerOnVM_Task", machine_); }), "NoPermission");
}

TEST_F(AuthorizationTest, TheLastAdministratorStays) {
    EXPECT_EQ(fault_name([&] { revoke(world_.root, "root"); }), "AuthMinimumAdminPermission");
    EXPECT_EQ(fault_name([&] { grant(world_.root, "root", role::kReadOnly); }),
              "AuthMinimumAdminPermission");
    grant(world_.root, "alice", role::kAdmin);
    revoke(world_.root, "root");
    EXPECT_FALSE(may("root", machine_, "System.View"));
    EXPECT_TRUE(may("alice", machine_, "System.Read"));
}

TEST_F(AuthorizationTest, RolesAreCheckedStoredAndCountAtOnce) {
    const int id = add_role("operators", {"VirtualMachine.Interact.PowerOn"});
    EXPECT_EQ(fault_name([&] { add_role("operators", {}); }), "AlreadyExists");
    EXPECT_EQ(fault_name([&] { add_role("Admin", {}); }), "AlreadyExists");
    EXPECT_EQ(fault_name([&] { add_role("", {}); }), "InvalidName");
    EXPECT_EQ(fault_name([&] { add_role("x", {"No.Such"}); }), "InvalidArgument");
    EXPECT_EQ(fault_name([&] { remove_role(role::kReadOnly, false); }), "InvalidArgument");
    EXPECT_EQ(fault_name([&] { remove_role(4711, false); }), "NotFound");
    EXPECT_EQ(fault_name([&] { grant(machine_, "alice", 4711); }), "NotFound");
    EXPECT_EQ(fault_name([&] { grant(machine_, "alice", role::kView); }), "InvalidArgument");
    EXPECT_EQ(fault_name([&] { grant(machine_, "mallory", id); }), "UserNotFound");
    grant(machine_, "alice", id);
    EXPECT_TRUE(may("alice", machine_, "System.Read"));
    EXPECT_TRUE(may("alice", machine_, "VirtualMachine.Interact.PowerOn"));
    EXPECT_FALSE(may("alice", machine_, "VirtualMachine.Interact.PowerOff"));
    EXPECT_TRUE(may("alice", world_.vm_folder, "System.View"));
    EXPECT_FALSE(may("alice", world_.vm_folder, "System.Read"));
    EXPECT_EQ(fault_name([&] { remove_role(id, true); }), "RemoveFailed");
    begin();
    EXPECT_TRUE(may("alice", machine_, "VirtualMachine.Interact.PowerOn")) << "after a restart";
    remove_role(id, false);
    EXPECT_FALSE(may("alice", machine_, "System.View"));
}

TEST_F(AuthorizationTest, ParametersAndWhatACallSaysAreCheckedToo) {
    const int id = add_role(
        "markers", {"VirtualMachine.Provisioning.MarkAsVM", "VirtualMachine.Config.Annotation"});
    grant(machine_, "alice", id);
    auto mark = vim::MarkAsVirtualMachineRequest::make();
    mark.set_pool(world_.pool);
    try {
        call("alice", "MarkAsVirtualMachine", machine_, mark);
        FAIL() << "served without Resource.AssignVMToPool";
    } catch (const vim::Fault& fault) {
        const auto told = fault.fault().as<vim::NoPermission>();
        ASSERT_TRUE(told);
        EXPECT_EQ(told.object()->id, world_.pool.id);
        EXPECT_EQ(told.privilegeId(), "Resource.AssignVMToPool");
        EXPECT_EQ(told.raw().property("missingPrivileges").elements().size(), 1u);
    }
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_annotation("a note");
    auto change = vim::ReconfigVM_TaskRequest::make();
    change.set_spec(spec);
    EXPECT_EQ(call("alice", "ReconfigVM_Task", machine_, change).as_string(), "served");
    spec.set_memoryMB(512);
    change.set_spec(spec);
    EXPECT_EQ(fault_name([&] { call("alice", "ReconfigVM_Task", machine_, change); }),
              "NoPermission");
    EXPECT_EQ(fault_name([&] { call("alice", "Destroy_Task", machine_); }), "NoPermission");
    EXPECT_EQ(call("root", "Destroy_Task", machine_).as_string(), "served");
}

TEST_F(AuthorizationTest, ReadersSeeWhatTheyMayAndTheirOwnRole) {
    grant(world_.root, "alice", role::kReadOnly);
    const auto reader = authorization_->reader_of(*caller("alice"));
    const auto& machine = world_.inventory.get(machine_);
    namespace property = vim::property::ManagedEntity;
    EXPECT_TRUE(reader->may_view(machine));
    EXPECT_TRUE(reader->may_read(machine, ""));
    EXPECT_EQ(machine.read(property::effectiveRole, *reader).elements()[0].as_integer(),
              role::kReadOnly);
    grant(machine_, "alice", role::kNoAccess);
    EXPECT_FALSE(reader->may_view(machine)) << "a reader that lives on sees the change";
    EXPECT_EQ(machine.read(property::permission, *reader).elements().size(), 1u);
    Caller nobody;
    EXPECT_FALSE(authorization_->reader_of(nobody)->may_view(machine));
}

TEST_F(AuthorizationTest, PermissionsGoWithTheirEntity) {
    grant(machine_, "alice", role::kReadOnly);
    int told = 0;
    authorization_->on_access_change([&told] { ++told; });
    world_.remove_machine(machine_);
    test_.run_until([&] { return !authorization_->rules().permissions.contains(machine_.id); });
    test_.settle();
    EXPECT_GE(told, 1);
    EXPECT_THAT(store_->find_by_parent("permission", machine_.id), IsEmpty());
}

TEST_F(AuthorizationTest, AMoveCountsAtOnce) {
    grant(world_.network_folder, "alice", role::kReadOnly);
    EXPECT_FALSE(may("alice", machine_, "System.View"));
    world_.set(machine_, vim::property::ManagedEntity::parent, Value::moref(world_.network_folder));
    EXPECT_TRUE(may("alice", machine_, "System.View"));
}

TEST_F(AuthorizationTest, QuestionsAreAnsweredForTheSessionAsked) {
    grant(machine_, "alice", role::kReadOnly);
    const auto session = sessions_.open("alice", "10.0.0.7", "test");
    auto request = vim::HasPrivilegeOnEntityRequest::make();
    request.set_entity(machine_);
    request.set_sessionId(session->key);
    request.set_privId({"System.Read", "VirtualMachine.Interact.PowerOn", "No.Such"});
    const Value answer = call("root", "HasPrivilegeOnEntity", kManager, request);
    std::vector<bool> held;
    for (const Value& each : answer.elements()) held.push_back(each.as_boolean());
    EXPECT_THAT(held, ElementsAre(true, false, false));
    auto fetch = vim::FetchUserPrivilegeOnEntitiesRequest::make();
    fetch.set_entities({machine_});
    fetch.set_userName("alice");
    const Value privileges =
        call("root", "FetchUserPrivilegeOnEntities", kManager, fetch).elements()[0];
    EXPECT_EQ(vim::UserPrivilegeResult(privileges).privileges().size(), 3u);
    auto entity = vim::RetrieveEntityPermissionsRequest::make();
    entity.set_entity(machine_);
    entity.set_inherited(true);
    EXPECT_EQ(call("root", "RetrieveEntityPermissions", kManager, entity).elements().size(), 2u);
}

}  // namespace
}  // namespace drover::service
