// The client against a server of canned answers: what it sends, and how it reads what comes back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "client/find.hpp"
#include "client/retrieve.hpp"
#include "client/service_versions.hpp"
#include "client/wait.hpp"
#include "vim/soap.hpp"

namespace drover::client {
namespace {

using ::testing::HasSubstr;

constexpr const char* kXml = "text/xml; charset=utf-8";

// Answers each call by the name of its method; scripts may queue several answers.
class FakeServer final : public Transport {
public:
    struct Seen {
        std::string method;
        WireRequest wire;
        vim::SoapRequest call;
    };

    explicit FakeServer(std::vector<Seen>& seen) : seen_(seen) {}

    void answer(const std::string& method, const vim::Value& result) {
        answers_[method].push_back(
            {200,
             kXml,
             {},
             vim::encode_soap_response(method_named(method), result, vim::newest_release())});
    }
    void refuse(const std::string& method, const vim::Fault& fault) {
        answers_[method].push_back(
            {500, kXml, {}, vim::encode_soap_fault(fault, vim::newest_release())});
    }
    void answer_raw(const std::string& method, WireResponse response) {
        answers_[method].push_back(std::move(response));
    }

    WireResponse send(WireRequest request) override {
        Seen seen{"GET", request, {}};
        if (request.method == "POST") {
            seen.call = vim::parse_soap_request(request.body);
            seen.method = seen.call.method ? seen.call.method->name() : "Fetch";
        }
        seen_.push_back(seen);
        auto& queue = answers_[seen.method];
        if (queue.empty()) return {404, "text/html", {}, "<html>no answer scripted</html>"};
        auto next = queue.front();
        if (queue.size() > 1) queue.pop_front();
        return next;
    }

private:
    std::vector<Seen>& seen_;
    std::map<std::string, std::deque<WireResponse>> answers_;
};

vim::Value moref(vim::TypeId type, const char* id) {
    return vim::Value::moref(type, id);
}

class ClientTest : public ::testing::Test {
protected:
    ClientTest() {
        auto server = std::make_unique<FakeServer>(seen_);
        server_ = server.get();
        connection_ = std::make_unique<Connection>(std::move(server), Protocol());
        auto about = vim::AboutInfo::make();
        auto content = vim::ServiceContent::make();
        content.set_about(about);
        content.set_rootFolder({vim::TypeId::Folder, "ha-folder-root"});
        content.set_propertyCollector({vim::TypeId::PropertyCollector, "pc"});
        content.set_viewManager(vim::MoRef{vim::TypeId::ViewManager, "views"});
        content.set_sessionManager(vim::MoRef{vim::TypeId::SessionManager, "sessions"});
        content.set_searchIndex(vim::MoRef{vim::TypeId::SearchIndex, "search"});
        server_->answer("RetrieveServiceContent", content);
        server_->answer("CreateContainerView", moref(vim::TypeId::ContainerView, "view-1"));
        server_->answer("DestroyView", {});
    }

    vim::ObjectContent object(vim::TypeId type, const char* id, const char* name) {
        auto property = vim::DynamicProperty::make();
        property.set_name("name");
        property.set_val(vim::Value::string(name));
        auto out = vim::ObjectContent::make();
        out.set_obj({type, id});
        out.set_propSet({property});
        return out;
    }
    vim::RetrieveResult page(const std::vector<vim::ObjectContent>& objects,
                             const char* token = nullptr) {
        auto out = vim::RetrieveResult::make();
        out.set_objects(objects);
        if (token != nullptr) out.set_token(token);
        return out;
    }
    std::vector<std::string> methods() const {
        std::vector<std::string> out;
        for (const auto& each : seen_) out.push_back(each.method);
        return out;
    }

    std::vector<FakeServer::Seen> seen_;
    FakeServer* server_ = nullptr;
    std::unique_ptr<Connection> connection_;
};

TEST(ServiceVersions, TakesTheNewestThatBothKnow) {
    const auto release = [](std::string_view text) {
        const auto chosen = choose_release(text);
        return chosen ? std::string(vim::release_name(*chosen)) : std::string("none");
    };
    EXPECT_EQ(release("<namespaces><namespace><name>urn:vim25</name><version>99.0</version>"
                      "<priorVersions><version>6.7</version><version>6.5</version>"
                      "</priorVersions></namespace></namespaces>"),
              "6.7");
    EXPECT_EQ(release("<namespace><name>urn:other</name><version>6.7</version></namespace>"
                      "<namespace><name> urn:vim25 </name><version> 6.0 </version></namespace>"),
              "6.0");
    EXPECT_EQ(release(""), "none");
    EXPECT_EQ(release("<namespace><name>urn:vim25</name><version>6.7"), "none");
    EXPECT_EQ(release("<namespace><name>urn:vim25</name><version>x</version></namespace>"), "none");
}

TEST(NormalizedUrl, CompletesAndRefuses) {
    EXPECT_EQ(normalized_url("host1"), "https://host1/sdk");
    EXPECT_EQ(normalized_url("host1:8443"), "https://host1:8443/sdk");
    EXPECT_EQ(normalized_url("https://host1/"), "https://host1/sdk");
    EXPECT_EQ(normalized_url("https://host1:443/sdk"), "https://host1/sdk");
    EXPECT_EQ(normalized_url("https://[2001:db8::1]"), "https://[2001:db8::1]/sdk");
    EXPECT_THROW(normalized_url(""), std::invalid_argument);
    EXPECT_THROW(normalized_url("http://host1"), std::invalid_argument);
    EXPECT_THROW(normalized_url("https://user:secret@host1"), std::invalid_argument);
    EXPECT_THROW(normalized_url("https://host1:99999"), std::invalid_argument);
}

TEST_F(ClientTest, NegotiatesAndSpeaksThatRelease) {
    server_->answer_raw("GET", {200,
                                kXml,
                                {},
                                "<namespace><name>urn:vim25</name><version>6.5</version>"
                                "</namespace>"});
    connection_->negotiate();
    connection_->content();
    ASSERT_EQ(seen_.size(), 2u);
    EXPECT_EQ(seen_[0].wire.target, "/sdk/vimServiceVersions.xml");
    const auto& headers = seen_[1].wire.headers;
    const std::pair<std::string, std::string> action{"SOAPAction", "\"urn:vim25/6.5\""};
    EXPECT_NE(std::find(headers.begin(), headers.end(), action), headers.end());
}

TEST_F(ClientTest, AServerWithoutReleasesIsAsOldAsVi3) {
    connection_->negotiate();  // 404
    EXPECT_EQ(vim::release_name(connection_->protocol().release()), "2.5");
    EXPECT_FALSE(connection_->has_method("RetrievePropertiesEx"));
}

TEST_F(ClientTest, LoginKeepsTheCookie) {
    auto session = vim::UserSession::make();
    session.set_userName("root");
    session.set_key("k");
    server_->answer_raw(
        "Login",
        {200,
         kXml,
         {"other=1", "vmware_soap_session=\"abc\"; Path=/; HttpOnly; Secure"},
         vim::encode_soap_response(method_named("Login"), session, vim::newest_release())});
    EXPECT_EQ(connection_->login("root", "secret").userName(), "root");
    EXPECT_EQ(connection_->protocol().cookie(), "vmware_soap_session=\"abc\"");
    server_->answer("Logout", {});
    connection_->logout();
    const auto& headers = seen_.back().wire.headers;
    const std::pair<std::string, std::string> cookie{"Cookie", "vmware_soap_session=\"abc\""};
    EXPECT_NE(std::find(headers.begin(), headers.end(), cookie), headers.end());
    EXPECT_EQ(connection_->protocol().cookie(), "");
}

TEST_F(ClientTest, FaultsAreThrownWithTheirType) {
    server_->refuse("Login", vim::make_fault<vim::InvalidLogin>("Wrong password."));
    try {
        connection_->login("root", "x");
        FAIL();
    } catch (const vim::Fault& fault) {
        EXPECT_EQ(fault.fault().dynamic_type(), vim::TypeId::InvalidLogin);
        EXPECT_EQ(fault.message(), "Wrong password.");
    }
}

TEST_F(ClientTest, WhatIsNoApiIsAConnectionError) {
    server_->answer_raw("Login", {404, "text/html", {}, "<html/>"});
    EXPECT_THROW(connection_->login("root", "x"), ConnectionError);
    server_->answer_raw("GET", {200, "text/html", {}, "<html>hello</html>"});
    EXPECT_THROW(connection_->negotiate(), ConnectionError);
}

TEST_F(ClientTest, RetrieveFollowsTokensAndDestroysItsView) {
    server_->answer("RetrievePropertiesEx",
                    page({object(vim::TypeId::VirtualMachine, "1", "a")}, "token"));
    server_->answer("ContinueRetrievePropertiesEx",
                    page({object(vim::TypeId::VirtualMachine, "2", "b")}));
    const auto found = retrieve(*connection_, vim::TypeId::VirtualMachine, {"name"});
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].text("name"), "a");
    EXPECT_EQ(found[1].object().id, "2");
    EXPECT_EQ(methods(), (std::vector<std::string>{"RetrieveServiceContent", "CreateContainerView",
                                                   "RetrievePropertiesEx",
                                                   "ContinueRetrievePropertiesEx", "DestroyView"}));
}

TEST_F(ClientTest, PropertiesOfAnotherKindReadAsUnset) {
    Properties properties;
    properties.set("a", vim::Value::string("x"));
    properties.set("b", vim::Value::int_(7));
    EXPECT_EQ(properties.integer("a"), std::nullopt);
    EXPECT_EQ(properties.text("b"), "");
    EXPECT_EQ(properties.boolean("b"), std::nullopt);
    EXPECT_EQ(properties.reference("a"), std::nullopt);
    EXPECT_FALSE(properties.object<vim::TaskInfo>("a"));
    EXPECT_TRUE(properties.references("b").empty());
    EXPECT_EQ(properties.integer("b"), 7);
}

TEST_F(ClientTest, FindPrefersNamesAndSaysWhatIsAmbiguous) {
    server_->answer("RetrievePropertiesEx", page({object(vim::TypeId::VirtualMachine, "1", "2"),
                                                  object(vim::TypeId::VirtualMachine, "2", "b"),
                                                  object(vim::TypeId::VirtualMachine, "3", "c")}));
    EXPECT_EQ(find(*connection_, vim::TypeId::VirtualMachine, "2").reference.id, "1");
    EXPECT_EQ(find(*connection_, vim::TypeId::VirtualMachine, "3").name, "c");
    EXPECT_THROW(find(*connection_, vim::TypeId::VirtualMachine, "x"), LookupError);
    EXPECT_THROW(find(*connection_, vim::TypeId::VirtualMachine, ""), LookupError);
}

TEST_F(ClientTest, FindByPathChecksTheType) {
    server_->answer("FindByInventoryPath", moref(vim::TypeId::HostSystem, "ha-host"));
    try {
        find(*connection_, vim::TypeId::VirtualMachine, "/dc/host/h1");
        FAIL();
    } catch (const LookupError& error) {
        EXPECT_THAT(error.what(), HasSubstr("is a host, not a virtual machine"));
    }
}

class TaskWait : public ClientTest {
protected:
    TaskWait() {
        server_->answer("CreatePropertyCollector", moref(vim::TypeId::PropertyCollector, "own"));
        server_->answer("CreateFilter", moref(vim::TypeId::PropertyFilter, "f"));
        server_->answer("DestroyPropertyCollector", {});
    }
    vim::TaskInfo info(vim::TaskInfoState state, int progress) {
        auto out = vim::TaskInfo::make();
        out.set_key("1");
        out.set_task({vim::TypeId::Task, "task-1"});
        out.set_state(state);
        out.set_progress(progress);
        return out;
    }
    void update(const char* version, const vim::TaskInfo& task) {
        auto change = vim::PropertyChange::make();
        change.set_name("info");
        change.set_op(vim::PropertyChangeOp::assign);
        change.set_val(task);
        auto object = vim::ObjectUpdate::make();
        object.set_kind(vim::ObjectUpdateKind::modify);
        object.set_obj({vim::TypeId::Task, "task-1"});
        object.set_changeSet({change});
        auto filter = vim::PropertyFilterUpdate::make();
        filter.set_filter({vim::TypeId::PropertyFilter, "f"});
        filter.set_objectSet({object});
        auto set = vim::UpdateSet::make();
        set.set_version(version);
        set.set_filterSet({filter});
        server_->answer("WaitForUpdatesEx", set);
    }
    const vim::MoRef task_{vim::TypeId::Task, "task-1"};
};

TEST_F(TaskWait, FollowsProgressToTheEnd) {
    update("1", info(vim::TaskInfoState::running, 10));
    server_->answer("WaitForUpdatesEx", {});  // nothing new in that time
    update("2", info(vim::TaskInfoState::success, 100));
    std::vector<int> seen;
    const auto done = wait_for_task(*connection_, task_, [&](const vim::TaskInfo& now) {
        seen.push_back(now.progress().value_or(-1));
    });
    EXPECT_EQ(done.state(), vim::TaskInfoState::success);
    EXPECT_EQ(seen, (std::vector<int>{10, 100}));
    EXPECT_EQ(methods().back(), "DestroyPropertyCollector");
    const auto& last_wait = seen_[seen_.size() - 2];
    EXPECT_EQ(vim::WaitForUpdatesExRequest(last_wait.call.request).version(), "1");
}

TEST_F(TaskWait, ThrowsTheTasksFault) {
    auto failed = info(vim::TaskInfoState::error, 0);
    auto error = vim::LocalizedMethodFault::make();
    error.set_fault(vim::InvalidPowerState::make());
    error.set_localizedMessage("It is on.");
    failed.set_error(error);
    update("1", failed);
    try {
        wait_for_task(*connection_, task_);
        FAIL();
    } catch (const vim::Fault& fault) {
        EXPECT_EQ(fault.fault().dynamic_type(), vim::TypeId::InvalidPowerState);
        EXPECT_EQ(fault.message(), "It is on.");
    }
    EXPECT_EQ(methods().back(), "DestroyPropertyCollector");
}

TEST_F(TaskWait, EndsAtItsLimit) {
    update("1", info(vim::TaskInfoState::running, 10));
    server_->answer("WaitForUpdatesEx", {});
    EXPECT_FALSE(watch(
        *connection_, task_, {"info"}, [](const Properties&) { return false; },
        std::chrono::milliseconds(20)));
}

}  // namespace
}  // namespace drover::client
