// The center's own operations of several steps, each failed after each of its steps, its undo
// repeated: the world must be as before, and past the point of no return as if nothing had failed.
//
// Covered: host.move (into a cluster, and out of it), host.remove. host.add needs a host that
// answers: tests/e2e/center_hosts_test.py.

#include <gtest/gtest.h>

#include <optional>

#include "center/hosts/host_record.hpp"
#include "center/tree/test_center.hpp"
#include "task/failing_store.hpp"
#include "vim/hosts_types.hpp"

namespace drover::center {
namespace {

using vim::MoRef;
using vim::TypeId;

constexpr int kMostWrites = 20;
using Picture = std::vector<std::string>;

/// A center with a stand-alone host that nobody reaches, and an empty cluster.
class HostWorld {
public:
    explicit HostWorld(bool in_cluster) {
        datacenter = center.create_datacenter("dc");
        const MoRef folder = center.world->tree.host_folder_of(datacenter);
        cluster = center.create_cluster(folder, "cluster");
        Host record;
        record.ref = center.world->numbers.next(TypeId::HostSystem);
        record.compute_resource =
            in_cluster ? cluster
                       : center.run(center.world->tree.add_compute_resource(folder, "host1"));
        record.uuid = "5e2b6a0c-0000-4000-8000-000000000002";
        record.name = "host1";
        record.desired = DesiredState::disconnected;
        record.target = {"127.0.0.1", 1, std::string(64, 'a'), "drover-center", "secret"};
        record.last_summary = vim::HostListSummary::make();
        center.store->commit_and_wait(store::Batch().put(record_of(record)));
        host = record.ref;
        center.run(hosts.start());
        center.settle();
        set_maintenance();
    }
    ~HostWorld() { hosts.stop(); }

    Picture picture() {
        Picture lines = center.picture();
        for (const auto& record : center.store->load(kHostKind)) {
            lines.push_back(record.id + " in " + host_of(record).compute_resource.id);
        }
        return lines;
    }
    bool is_settled() {
        return center.store->load("saga").empty() && center.store->load("saga_step").empty();
    }
    bool attempt(const MoRef& self, std::string_view method, vim::Value request) {
        try {
            center.run_task(self, method, std::move(request));
            return true;
        } catch (const vim::Fault&) {
            return false;
        }
    }

    TestCenter center;
    task::FailingStore failing{*center.store};
    store::Journal journal{failing};
    task::SagaRunner sagas{center.runtime, journal, [this] { return center.random.uuid(); }};
    const CenterBasics basics{center.config,           "uuid",
                              center.runtime,          center.random,
                              center.world->inventory, center.world->dispatcher,
                              center.world->tasks,     sagas,
                              *center.store,           center.world->basics.readers,
                              center.world->events,    center.world->authorization,
                              center.world->methods,   center.world->numbers};
    CenterContext context{basics, center.world->tree};
    Hosts hosts{context};
    MoRef datacenter;
    MoRef cluster;
    MoRef host;

private:
    void set_maintenance() {
        vim::HostRuntimeInfo runtime(
            center.world->inventory.get(host).property(vim::property::HostSystem::runtime));
        if (!runtime) runtime = vim::HostRuntimeInfo::make();
        runtime.set_inMaintenanceMode(true);
        model::Transaction transaction(center.world->inventory);
        transaction.set(host, vim::property::HostSystem::runtime, runtime.raw());
        transaction.commit();
    }
};

struct Operation {
    bool in_cluster = false;
    int undone = 0;  ///< if one of the first so many writes of the journal fails: as before
    std::function<bool(HostWorld&)> perform;
};

int fail_each_step(const Operation& operation) {
    Picture done;
    {
        HostWorld world(operation.in_cluster);
        EXPECT_TRUE(operation.perform(world));
        EXPECT_TRUE(world.is_settled());
        done = world.picture();
    }
    for (int write = 1; write <= kMostWrites; ++write) {
        SCOPED_TRACE(write);
        HostWorld world(operation.in_cluster);
        const Picture before = world.picture();
        world.failing.fail({write, write + 1});
        const bool is_done = operation.perform(world);
        if (world.failing.writes < write) {
            EXPECT_TRUE(is_done);
            return write - 1;
        }
        EXPECT_FALSE(is_done);
        for (int again = 0; again < 2; ++again) {
            // The first time it can't be noted either: it is begun once more.
            world.failing.fail(again == 0 ? std::set<int>{1} : std::set<int>{});
            world.center.run(world.sagas.recover());
        }
        world.center.settle();
        EXPECT_TRUE(world.is_settled());
        EXPECT_EQ(world.picture(), write <= operation.undone ? before : done);
    }
    ADD_FAILURE() << "it never comes to its end";
    return 0;
}

TEST(HostSagas, AHostMovesIntoAClusterOrStays) {
    const int writes =
        fail_each_step({false, 3, [](HostWorld& world) {
                            auto request = vim::MoveInto_TaskRequest::make();
                            request.set_host({world.host});
                            return world.attempt(world.cluster, "MoveInto_Task", request.raw());
                        }});
    EXPECT_EQ(writes, 5);  // begin, new compute resource, record, old compute resource, end
}

TEST(HostSagas, AHostLeavesItsClusterOrStays) {
    const int writes = fail_each_step(
        {true, 3, [](HostWorld& world) {
             auto request = vim::MoveIntoFolder_TaskRequest::make();
             request.set_list({world.host});
             return world.attempt(world.center.world->tree.host_folder_of(world.datacenter),
                                  "MoveIntoFolder_Task", request.raw());
         }});
    EXPECT_EQ(writes, 5);
}

TEST(HostSagas, AHostThatIsRemovedIsGone) {
    const int writes = fail_each_step(
        {false, 2, [](HostWorld& world) {
             return world.attempt(world.host, "Destroy_Task",
                                  vim::make_object(vim::find_method("Destroy_Task")->request));
         }});
    EXPECT_EQ(writes, 6);  // begin, decision, record, compute resource, account, end
}

}  // namespace
}  // namespace drover::center
