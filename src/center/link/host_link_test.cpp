// A link against a small host on a real TLS server.

#include "center/link/host_link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "center/link/fake_host.hpp"
#include "center/link/host_session.hpp"
#include "vim/hosts_types.hpp"

namespace drover::center {
namespace {

using namespace std::chrono_literals;
using test::FakeHost;
using test::Loop;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using vim::MoRef;
using vim::TypeId;

constexpr LinkLimits kQuick{.ping = 50ms,
                            .silence = 400ms,
                            .connect = 2s,
                            .first_picture = 10s,
                            .first_pause = 20ms,
                            .longest_pause = 100ms,
                            .poll = 2s};

class HostLinkTest : public testing::Test {
protected:
    void TearDown() override {
        link_.reset();
        host_.frozen = false;
        loop_.run_for(50ms);
    }

    HostLink& link(LinkTarget target) {
        link_ = std::make_unique<HostLink>(loop_.runtime, std::move(target), kQuick);
        link_->on_state([this](LinkState state, const std::string&) { states_.push_back(state); });
        link_->on_update([this](const vim::PropertyFilterUpdate& update, bool is_first) {
            pictures_ += is_first ? 1 : 0;
            state_at_picture_ = link_->state();
            for (const auto& object : update.objectSet()) {
                for (const auto& change : object.changeSet()) {
                    seen_.push_back(object.obj().id + "." + std::string(change.name()));
                    if (change.name() == "name" && object.obj() == machine_) {
                        name_ = change.val().as_string();
                    }
                }
            }
        });
        return *link_;
    }
    HostLink& connected() {
        HostLink& made = link(host_.target());
        made.run();
        EXPECT_TRUE(reaches(LinkState::connected));
        return made;
    }
    bool reaches(LinkState state, std::chrono::milliseconds limit = 10s) {
        return loop_.run_until([&] { return link_->state() == state; }, limit);
    }
    std::string fault_of_connect(LinkTarget target) {
        HostLink& made = link(std::move(target));
        try {
            loop_.run(made.connect());
        } catch (const vim::Fault& fault) {
            message_ = fault.message();
            fault_ = fault.fault();
            return std::string(vim::describe(fault.fault().dynamic_type()).name());
        }
        return "none";
    }
    std::string fault_of(std::future<vim::Value>& future) {
        try {
            future.get();
        } catch (const vim::Fault& fault) {
            return std::string(vim::describe(fault.fault().dynamic_type()).name());
        }
        return "none";
    }
    MoRef start_task(HostLink& on) {
        return loop_.run(on.call("PowerOnVM_Task", machine_)).as_moref();
    }

    Loop loop_;
    FakeHost host_{loop_};
    MoRef machine_ = host_.world.add_machine(1);
    std::unique_ptr<HostLink> link_;
    std::vector<LinkState> states_;
    std::vector<std::string> seen_;
    std::string name_;
    int pictures_ = 0;
    LinkState state_at_picture_ = LinkState::disconnected;
    std::string message_;
    vim::MethodFault fault_;
};

TEST_F(HostLinkTest, AWrongThumbprintIsRefusedWithTheRightOne) {
    auto target = host_.target();
    for (const std::string wrong : {"", "AA:BB"}) {
        target.thumbprint_sha256 = wrong;
        EXPECT_EQ(fault_of_connect(target), "SSLVerifyFault");
        EXPECT_EQ(fault_.as<vim::SSLVerifyFault>().thumbprint(),
                  test::identity().thumbprint_sha1());
    }
    target.thumbprint_sha256 = test::identity().thumbprint_sha1();
    EXPECT_EQ(fault_of_connect(target), "none");
}

TEST_F(HostLinkTest, AWrongPasswordIsInvalidLogin) {
    auto target = host_.target();
    target.password = "guess";
    EXPECT_EQ(fault_of_connect(target), "InvalidLogin");
}

TEST_F(HostLinkTest, NobodyThereIsNoHost) {
    auto target = host_.target();
    host_.go_down();
    EXPECT_EQ(fault_of_connect(target), "NoHost");
    EXPECT_THAT(message_, HasSubstr("127.0.0.1"));
}

TEST_F(HostLinkTest, CallsWorkAfterConnect) {
    HostLink& made = link(host_.target());
    auto early =
        loop_.start(made.call("CurrentTime", {TypeId::ServiceInstance, "ServiceInstance"}));
    loop_.run_for(20ms);
    EXPECT_EQ(fault_of(early), "HostNotConnected");
    loop_.run(made.connect());
    EXPECT_EQ(made.content().rootFolder(), host_.world.root);
    const auto time =
        loop_.run(made.call("CurrentTime", {TypeId::ServiceInstance, "ServiceInstance"}));
    EXPECT_EQ(time.kind(), vim::ValueKind::date_time);
}

TEST_F(HostLinkTest, ThePictureIsWholeBeforeTheStateIsConnected) {
    connected();
    EXPECT_EQ(pictures_, 1);
    EXPECT_EQ(state_at_picture_, LinkState::connecting);
    EXPECT_THAT(states_, ElementsAre(LinkState::connecting, LinkState::connected));
    for (const char* property : {"vm-1.config", "host-8.name", "datastore-10.name",
                                 "network-11.name", "resgroup-9.vm", "group-d1.childEntity"}) {
        EXPECT_THAT(seen_, Contains(property));
    }
}

TEST_F(HostLinkTest, ChangesArrive) {
    connected();
    seen_.clear();
    host_.world.set(machine_, vim::property::VirtualMachine::name, vim::Value::string("renamed"));
    EXPECT_TRUE(loop_.run_until([&] { return name_ == "renamed"; }, 2s));
    EXPECT_THAT(seen_, ElementsAre("vm-1.name"));
}

TEST_F(HostLinkTest, SilenceIsNoticedAndEndsWithANewPicture) {
    HostLink& made = connected();
    host_.frozen = true;
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(reaches(LinkState::not_responding, 3s));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 600ms);
    EXPECT_THAT(made.reason(), HasSubstr("does not answer"));
    auto refused = loop_.start(made.call("PowerOnVM_Task", machine_));
    loop_.run_for(10ms);
    EXPECT_EQ(fault_of(refused), "HostNotConnected");

    host_.world.set(machine_, vim::property::VirtualMachine::name,
                    vim::Value::string("while away"));
    host_.frozen = false;
    ASSERT_TRUE(reaches(LinkState::connected, 3s));
    EXPECT_EQ(pictures_, 2);
    EXPECT_EQ(name_, "while away");
    EXPECT_EQ(host_.sessions().all().size(), 1u);
    EXPECT_THAT(made.reason(), IsEmpty());
}

TEST_F(HostLinkTest, ARestartedHostIsLoggedInToAgain) {
    connected();
    host_.go_down();
    host_.forget_sessions();
    ASSERT_TRUE(reaches(LinkState::not_responding, 3s));
    host_.listen();
    ASSERT_TRUE(reaches(LinkState::connected, 3s));
    EXPECT_EQ(pictures_, 2);
    host_.world.set(machine_, vim::property::VirtualMachine::name, vim::Value::string("after"));
    EXPECT_TRUE(loop_.run_until([&] { return name_ == "after"; }, 2s));
}

TEST_F(HostLinkTest, AnEndedSessionIsReplacedWithoutAnybodyNoticing) {
    connected();
    host_.forget_sessions();
    ASSERT_TRUE(loop_.run_until([&] { return pictures_ == 2; }, 3s));
    loop_.run_for(600ms);
    EXPECT_THAT(states_, ElementsAre(LinkState::connecting, LinkState::connected));
}

TEST_F(HostLinkTest, AnotherCertificateIsRefused) {
    connected();
    host_.go_down();
    ASSERT_TRUE(reaches(LinkState::not_responding, 3s));
    host_.forget_sessions();
    host_.listen(1);
    ASSERT_TRUE(reaches(LinkState::refused, 3s));
    EXPECT_THAT(link_->reason(), HasSubstr(test::identity(1).thumbprint_sha1()));
    EXPECT_EQ(link_->fault().fault().dynamic_type(), TypeId::SSLVerifyFault);
    EXPECT_TRUE(host_.sessions().all().empty()) << "the password was not sent";
}

TEST_F(HostLinkTest, AStoppedLinkLogsOutAndIsSilent) {
    HostLink& made = connected();
    made.stop();
    EXPECT_EQ(made.state(), LinkState::disconnected);
    states_.clear();
    seen_.clear();
    host_.world.set(machine_, vim::property::VirtualMachine::name, vim::Value::string("unseen"));
    EXPECT_TRUE(loop_.run_until([&] { return host_.sessions().all().empty(); }, 2s));
    loop_.run_for(200ms);
    EXPECT_THAT(states_, IsEmpty());
    EXPECT_THAT(seen_, IsEmpty());
    made.run();
    EXPECT_TRUE(reaches(LinkState::connected, 3s));
    EXPECT_EQ(name_, "unseen");
}

TEST_F(HostLinkTest, ATaskIsFollowedToItsEndAtOnce) {
    HostLink& made = connected();
    std::vector<int> progress;
    const MoRef task = start_task(made);
    const auto info = loop_.run(made.follow_task(
        task, [&](const vim::TaskInfo& now) { progress.push_back(now.progress().value_or(-1)); }));
    EXPECT_EQ(info.state(), vim::TaskInfoState::success);
    EXPECT_THAT(progress, Contains(50));
    const auto again = loop_.run(made.follow_task(task));
    EXPECT_EQ(again.state(), vim::TaskInfoState::success);
}

TEST_F(HostLinkTest, AFailedTaskTellsItsFault) {
    HostLink& made = connected();
    host_.task_fault = vim::make_fault<vim::InvalidPowerState>("It is on.");
    const auto info = loop_.run(made.follow_task(start_task(made)));
    EXPECT_EQ(info.state(), vim::TaskInfoState::error);
    EXPECT_EQ(info.error().fault().dynamic_type(), TypeId::InvalidPowerState);
}

TEST_F(HostLinkTest, HundredsOfTasksAtOnceEndPromptly) {
    HostLink& made = connected();
    std::vector<std::future<vim::TaskInfo>> followed;
    for (int i = 0; i < 200; ++i) {
        followed.push_back(loop_.start(made.follow_task(start_task(made))));
    }
    const auto begun = std::chrono::steady_clock::now();
    for (auto& each : followed) {
        ASSERT_TRUE(
            loop_.run_until([&] { return each.wait_for(0s) == std::future_status::ready; }, 10s));
        EXPECT_EQ(each.get().state(), vim::TaskInfoState::success);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
}

TEST_F(HostLinkTest, FollowingOutlivesALostConnection) {
    HostLink& made = connected();
    host_.task_steps = 60;
    auto followed = loop_.start(made.follow_task(start_task(made)));
    loop_.run_for(100ms);
    host_.frozen = true;
    ASSERT_TRUE(reaches(LinkState::not_responding, 3s));
    loop_.run_for(1500ms);
    host_.frozen = false;
    ASSERT_TRUE(
        loop_.run_until([&] { return followed.wait_for(0s) == std::future_status::ready; }, 5s));
    EXPECT_EQ(followed.get().state(), vim::TaskInfoState::success);
}

TEST_F(HostLinkTest, ATaskThatTheHostForgotIsAnError) {
    HostLink& made = connected();
    auto unknown = loop_.start(made.follow_task({TypeId::Task, "haTask-unknown"}));
    ASSERT_TRUE(
        loop_.run_until([&] { return unknown.wait_for(0s) == std::future_status::ready; }, 5s));
    EXPECT_THROW(unknown.get(), vim::Fault);
    auto stopped = loop_.start(made.follow_task({TypeId::Task, "haTask-other"}));
    loop_.run_for(50ms);
    made.stop();
    ASSERT_TRUE(
        loop_.run_until([&] { return stopped.wait_for(0s) == std::future_status::ready; }, 5s));
    EXPECT_THROW(stopped.get(), vim::Fault);
}

}  // namespace
}  // namespace drover::center
