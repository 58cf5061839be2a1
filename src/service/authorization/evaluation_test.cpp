#include "service/authorization/evaluation.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "model/test_world.hpp"

namespace drover::service {
namespace {

using model::ManagedObject;
using model::testing::World;
using testing::ElementsAre;
using testing::IsEmpty;
using vim::MoRef;
using vim::TypeId;

const Principal kAlice{"alice", false};
const Principal kStaff{"staff", true};
const Principal kGuests{"guests", true};

class EvaluationTest : public testing::Test {
protected:
    EvaluationTest() {
        machine_ = world_.add_machine(1);
        other_ = world_.add_machine(2);
        rules_.roles.emplace(10, Role{10, "power", "power", "power", with("System.View")});
        rules_.roles.at(10).privileges |= with("VirtualMachine.Interact.PowerOn");
        rules_.roles.emplace(
            11, Role{11, "notes", "notes", "notes", with("VirtualMachine.Config.Annotation")});
    }

    static PrivilegeSet with(std::string_view privilege) {
        PrivilegeSet set;
        set.set(privilege_index(privilege));
        return set;
    }
    void grant(const MoRef& entity, const Principal& principal, int role, bool propagate = true) {
        rules_.put({entity.id, principal, role, propagate});
    }
    Access access(std::set<std::string> groups = {"staff", "guests"}) {
        return Access(rules_, world_.inventory, "alice", std::move(groups), world_.root);
    }
    std::vector<int> roles(const MoRef& entity) {
        const Access made = access();
        return made.on(world_.inventory.get(entity)).roles;
    }

    World world_;
    Rules rules_ = system_rules();
    MoRef machine_;
    MoRef other_;
};

TEST_F(EvaluationTest, WithoutAPermissionThereIsNothing) {
    EXPECT_THAT(roles(machine_), IsEmpty());
    EXPECT_FALSE(access().may_see_anything());
    EXPECT_FALSE(access().administers_all());
}

TEST_F(EvaluationTest, OneAdministratorAtTheRootNeedsNoLookUp) {
    grant(world_.root, kAlice, role::kAdmin);
    EXPECT_TRUE(access().administers_all());
    EXPECT_THAT(roles(machine_), ElementsAre(role::kAdmin));
    // Some object may be forbidden now.
    grant(machine_, kAlice, role::kNoAccess);
    EXPECT_FALSE(access().administers_all());
    EXPECT_THAT(roles(machine_), ElementsAre(role::kNoAccess));
    EXPECT_THAT(roles(other_), ElementsAre(role::kAdmin));
}

TEST_F(EvaluationTest, TheNearestPermissionCountsAloneAndOnlyPropagatingOnesReachDown) {
    grant(world_.root, kAlice, role::kReadOnly);
    grant(world_.datacenter, kAlice, role::kAdmin, false);
    EXPECT_THAT(roles(world_.datacenter), ElementsAre(role::kAdmin));
    EXPECT_THAT(roles(world_.vm_folder), ElementsAre(role::kReadOnly));
    EXPECT_THAT(roles(world_.datastore), ElementsAre(role::kReadOnly));
    grant(world_.datastore, kStaff, 10);
    EXPECT_THAT(roles(world_.datastore), ElementsAre(10));
}

TEST_F(EvaluationTest, TheUsersOwnPermissionComesBeforeItsGroupsAndThoseCountTogether) {
    grant(world_.host, kStaff, 10);
    grant(world_.host, kGuests, 11);
    EXPECT_THAT(roles(world_.host), ElementsAre(10, 11));
    const Access made = access();
    const Grant& both = made.on(world_.inventory.get(world_.host));
    EXPECT_TRUE(both.has(privilege_index("VirtualMachine.Interact.PowerOn")));
    EXPECT_TRUE(both.has(privilege_index("VirtualMachine.Config.Annotation")));
    grant(world_.host, kAlice, role::kReadOnly);
    EXPECT_THAT(roles(world_.host), ElementsAre(role::kReadOnly));
}

TEST_F(EvaluationTest, AMachineInheritsByItsFolderAndByItsPool) {
    grant(world_.vm_folder, kAlice, 10);
    grant(world_.pool, kAlice, 11);
    EXPECT_THAT(roles(machine_), ElementsAre(10, 11));
    grant(machine_, kAlice, role::kReadOnly);
    EXPECT_THAT(roles(machine_), ElementsAre(role::kReadOnly));
}

TEST_F(EvaluationTest, TheWayToWhatMayBeSeenCanBeSeen) {
    grant(machine_, kAlice, 10);
    for (const MoRef& above : {world_.vm_folder, world_.datacenter, world_.root, world_.pool,
                               world_.cluster, world_.host_folder}) {
        EXPECT_THAT(roles(above), ElementsAre(role::kView)) << above.id;
    }
    for (const MoRef& aside : {other_, world_.host, world_.datastore, world_.network_folder}) {
        EXPECT_THAT(roles(aside), IsEmpty()) << aside.id;
    }
    rules_.put({machine_.id, kAlice, role::kNoAccess, true});
    EXPECT_THAT(roles(world_.vm_folder), IsEmpty());
}

// What the rules mean, written down as plainly as can be: slow, and without any memory.
class NaiveModel {
public:
    NaiveModel(const Rules& rules, const model::Inventory& inventory, std::set<std::string> groups)
        : rules_(rules), inventory_(inventory), groups_(std::move(groups)) {}

    std::set<int> roles(const ManagedObject& entity) const {
        if (const auto own = decided(entity, false)) return *own;
        return inherited(entity);
    }

private:
    std::optional<std::set<int>> decided(const ManagedObject& entity, bool for_children) const {
        const auto at = rules_.permissions.find(entity.id());
        if (at == rules_.permissions.end()) return std::nullopt;
        std::set<int> of_groups;
        for (const auto& [principal, permission] : at->second) {
            if (for_children && !permission.propagate) continue;
            if (principal == kAlice) return std::set{permission.role};
            if (principal.is_group && groups_.contains(principal.name)) {
                of_groups.insert(permission.role);
            }
        }
        return of_groups.empty() ? std::nullopt : std::optional(of_groups);
    }
    std::set<int> inherited(const ManagedObject& entity) const {
        std::set<int> all = from(entity, model::testing::property::ManagedEntity::parent);
        if (entity.type() == TypeId::VirtualMachine) {
            all.merge(from(entity, model::testing::property::VirtualMachine::resourcePool));
        }
        return all;
    }
    std::set<int> from(const ManagedObject& entity, model::PropertyIndex property) const {
        const auto& above = entity.property(property);
        if (!above) return {};
        const ManagedObject& parent = inventory_.get(above.as_moref());
        if (const auto here = decided(parent, true)) return *here;
        return inherited(parent);
    }

    const Rules& rules_;
    const model::Inventory& inventory_;
    std::set<std::string> groups_;
};

std::uint64_t seed() {
    const char* given = std::getenv("DROVER_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

// Folders in folders, pools in pools, and machines anywhere in both.
struct RandomWorld {
    explicit RandomWorld(std::mt19937_64& engine) : random(engine) {
        model::Transaction transaction(world.inventory);
        std::vector<MoRef> folders{world.vm_folder};
        std::vector<MoRef> pools{world.pool};
        for (int i = 0; i < 12; ++i) {
            folders.push_back(World::add(transaction, TypeId::Folder, fmt::format("f-{}", i), "f",
                                         pick(folders)));
            pools.push_back(World::add(transaction, TypeId::ResourcePool, fmt::format("p-{}", i),
                                       "p", pick(pools)));
        }
        for (int i = 0; i < 40; ++i) {
            const MoRef machine = World::add(transaction, TypeId::VirtualMachine,
                                             fmt::format("vm-{}", i), "m", pick(folders));
            transaction.set(machine, model::testing::property::VirtualMachine::resourcePool,
                            vim::Value::moref(pick(pools)));
        }
        transaction.commit();
        world.inventory.for_each([this](const ManagedObject& object) { all.push_back(&object); });
    }
    template <class T>
    T pick(const std::vector<T>& from) {
        return from[std::uniform_int_distribution<std::size_t>(0, from.size() - 1)(random)];
    }

    std::mt19937_64& random;
    World world;
    std::vector<const ManagedObject*> all;
};

TEST(EvaluationPropertyTest, AgreesWithTheNaiveModel) {
    const auto number = seed();
    SCOPED_TRACE(fmt::format("DROVER_SEED={}", number));
    std::mt19937_64 engine(number);
    const std::vector<Principal> principals{
        kAlice, kStaff, kGuests, {"others", true}, {"bob", false}};
    const std::vector<int> role_ids{role::kAdmin, role::kReadOnly, role::kNoAccess,
                                    role::kNoCryptoAdmin};
    for (int round = 0; round < 200; ++round) {
        RandomWorld random(engine);
        Rules rules = system_rules();
        const int count = std::uniform_int_distribution(0, 25)(engine);
        for (int i = 0; i < count; ++i) {
            rules.put({random.pick(random.all)->id(), random.pick(principals),
                       random.pick(role_ids), engine() % 4 != 0});
        }
        const std::set<std::string> groups{"staff", "guests"};
        const Access access(rules, random.world.inventory, "alice", groups, random.world.root);
        const NaiveModel naive(rules, random.world.inventory, groups);
        for (const ManagedObject* object : random.all) {
            const auto wanted = naive.roles(*object);
            std::set<int> found(access.on(*object).roles.begin(), access.on(*object).roles.end());
            // What leads to something visible is an addition where no rule decides.
            if (wanted.empty() && found == std::set{role::kView}) continue;
            ASSERT_EQ(found, wanted) << object->id() << " in round " << round;
            if (access.administers_all()) {
                ASSERT_EQ(wanted, std::set{role::kAdmin}) << object->id();
            }
        }
    }
}

TEST(EvaluationSpeedTest, TenThousandMachinesAreWorkedOutInMilliseconds) {
    World world;
    model::Transaction transaction(world.inventory);
    std::vector<MoRef> machines;
    // Straight into the inventory: adding each to the folder's list would take quadratic time.
    for (int i = 0; i < 10'000; ++i) {
        machines.push_back(World::add(transaction, TypeId::VirtualMachine, fmt::format("vm-{}", i),
                                      "m", world.vm_folder));
        transaction.set(machines.back(), model::testing::property::VirtualMachine::resourcePool,
                        vim::Value::moref(world.pool));
    }
    transaction.commit();
    Rules rules = system_rules();
    rules.put({world.vm_folder.id, kAlice, role::kReadOnly, true});
    const Access access(rules, world.inventory, "alice", {}, world.root);
    const auto view = privilege_index("System.View");
    const auto measure = [&] {
        const auto start = std::chrono::steady_clock::now();
        std::size_t seen = 0;
        for (const MoRef& machine : machines) {
            seen += access.on(world.inventory.get(machine)).has(view) ? 1 : 0;
        }
        EXPECT_EQ(seen, machines.size());
        return std::chrono::steady_clock::now() - start;
    };
    const auto first = measure();
    const auto again = measure();
    using std::chrono::microseconds;
    RecordProperty("first_us", static_cast<int>(duration_cast<microseconds>(first).count()));
    RecordProperty("again_us", static_cast<int>(duration_cast<microseconds>(again).count()));
    fmt::print("10,000 machines: {} us, again {} us\n", duration_cast<microseconds>(first).count(),
               duration_cast<microseconds>(again).count());
    EXPECT_LT(first, std::chrono::seconds{5}) << "even unoptimised on a busy machine";
}

}  // namespace
}  // namespace drover::service
