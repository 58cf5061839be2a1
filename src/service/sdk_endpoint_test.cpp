// The whole service over texts as clients send them: SOAP and VI/JSON, sessions, faults, and
// waiting.

#include "service/sdk_endpoint.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/test_world.hpp"
#include "service/property_collector.hpp"
#include "service/session_manager.hpp"
#include "store/temporary_directory.hpp"
#include "task/test_runtime.hpp"

namespace drover::service {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using task::Caller;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using vim::MoRef;
using vim::TypeId;

constexpr std::string_view kJson = "/sdk/vim25/8.0.1.0/";

bool may(const Caller& caller, const MoRef&, std::string_view privilege) {
    return !caller.session_key.empty() || privilege == "System.Anonymous";
}

vim::Fault fault_of(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (const vim::Fault& fault) {
        return fault;
    } catch (const std::exception& failure) {
        return vim::make_fault<vim::SystemError>(failure.what());
    }
}

/// A client that can be made to go away.
class TestPeer final : public http::Peer {
public:
    void on_gone(std::function<void()> callback) override { callback_ = std::move(callback); }
    bool gone() const override { return gone_; }
    void go() {
        gone_ = true;
        if (callback_) std::exchange(callback_, {})();
    }

private:
    std::function<void()> callback_;
    bool gone_ = false;
};

class SdkEndpointTest : public testing::Test {
protected:
    SdkEndpointTest() {
        accounts_.set_password("root", "secret");
        machine_ = world_.add_machine(1);
        serve_property_collector(dispatcher_, collectors_, [](const Caller& caller) {
            return std::make_shared<CallerReader>(caller, may);
        });
        sessions_.on_end([this](const Session& session) { collectors_.end_session(session.key); });
    }

    http::Request request(std::string_view method, const std::string& target, std::string body) {
        http::Request made;
        made.method = method;
        made.target = http::Target::parse(target).value();
        made.body = std::move(body);
        made.remote_address = "10.0.0.7";
        made.peer = peer_;
        if (!cookie_.empty()) {
            made.headers.add("Cookie", "other=1; vmware_soap_session=\"" + cookie_ + "\"");
        }
        if (!header_.empty()) made.headers.add("vmware-api-session-id", header_);
        return made;
    }

    std::future<http::Response> begin(http::Request made) {
        return boost::asio::co_spawn(test_.io, endpoint_.handle(std::move(made)),
                                     boost::asio::use_future);
    }
    http::Response end(std::future<http::Response>& future) {
        test_.run_until([&] { return future.wait_for(0s) == std::future_status::ready; });
        return future.get();
    }
    http::Response send(std::string_view method, const std::string& target, std::string body = {}) {
        auto future = begin(request(method, target, std::move(body)));
        return end(future);
    }

    static std::string envelope(std::string_view call) {
        constexpr std::string_view kSoap = "http://schemas.xmlsoap.org/soap/envelope/";
        constexpr std::string_view kInstance = "http://www.w3.org/2001/XMLSchema-instance";
        return fmt::format(R"(<?xml version="1.0"?><e:Envelope xmlns:e="{}" xmlns:xsi="{}">)"
                           "<e:Body>{}</e:Body></e:Envelope>",
                           kSoap, kInstance, call);
    }
    http::Request soap_request(std::string_view call) {
        http::Request made = request("POST", "/sdk", envelope(call));
        made.headers.add("SOAPAction", "\"urn:vim25/6.7\"");
        return made;
    }
    http::Response soap(std::string_view call) {
        auto future = begin(soap_request(call));
        return end(future);
    }
    static std::string text(const http::Response& response) {
        return std::get<std::string>(response.body);
    }

    static std::string login_call(std::string_view password) {
        return fmt::format(R"(<Login xmlns="urn:vim25"><_this type="SessionManager">sm</_this>)"
                           "<userName>root</userName><password>{}</password></Login>",
                           password);
    }
    static std::string fetch_call(const MoRef& object, std::string_view property) {
        return fmt::format(R"(<Fetch xmlns="urn:vim25"><_this type="ManagedObject">{}</_this>)"
                           "<prop>{}</prop></Fetch>",
                           object.id, property);
    }
    static std::string wait_call(std::string_view version, int seconds) {
        return fmt::format(
            R"(<WaitForUpdatesEx xmlns="urn:vim25"><_this type="PropertyCollector">pc</_this>)"
            "<version>{}</version><options><maxWaitSeconds>{}</maxWaitSeconds></options>"
            "</WaitForUpdatesEx>",
            version, seconds);
    }

    void login() {
        const auto answer = soap(login_call("secret"));
        ASSERT_EQ(answer.status, 200) << text(answer);
        const std::string cookie(answer.headers.get("Set-Cookie").value_or(""));
        const auto first = cookie.find('"') + 1;
        cookie_ = cookie.substr(first, cookie.find('"', first) - first);
    }

    /// Follows the machine's name; returns the version after the first answer.
    std::string follow() {
        const auto made = soap(
            R"(<CreateFilter xmlns="urn:vim25"><_this type="PropertyCollector">pc</_this><spec>)"
            "<propSet><type>VirtualMachine</type><pathSet>name</pathSet></propSet>"
            R"(<objectSet><obj type="VirtualMachine">vm-1</obj></objectSet></spec>)"
            "<partialUpdates>false</partialUpdates></CreateFilter>");
        EXPECT_EQ(made.status, 200) << text(made);
        const std::string first = text(soap(wait_call("", 5)));
        EXPECT_THAT(first, HasSubstr(">machine1<"));
        const auto begin = first.find("<version>") + 9;
        return first.substr(begin, first.find("</version>") - begin);
    }
    void rename(std::string_view name) {
        world_.set(machine_, vim::property::VirtualMachine::name, vim::Value::string(name));
    }

    store::TemporaryDirectory directory_;
    std::unique_ptr<store::Store> store_ = store::open_sqlite_store(directory_.path() / "s.db");
    Accounts accounts_{*store_};
    task::TestRuntime test_;
    model::testing::World world_;
    MoRef machine_;
    base::SeededRandom random_{1};
    Sessions sessions_{test_.clock, random_};
    task::Dispatcher dispatcher_{world_.inventory, may};
    model::PropertyCollectors collectors_{
        world_.inventory, "pc", random_, [this](std::function<void()> job) {
            boost::asio::post(test_.runtime.strand(), std::move(job));
        }};
    SessionManager session_manager_{dispatcher_, test_.runtime, world_.inventory,
                                    sessions_,   accounts_,     {TypeId::SessionManager, "sm"}};
    SdkEndpoint endpoint_{
        {test_.runtime, dispatcher_, sessions_,
         [this](const Caller& caller, const MoRef& object, const std::string& path) {
             return model::fetch(world_.inventory, CallerReader(caller, may), object, path);
         },
         fault_of}};
    std::shared_ptr<TestPeer> peer_ = std::make_shared<TestPeer>();
    std::string cookie_;
    std::string header_;
};

TEST_F(SdkEndpointTest, ALoginGivesACookieThatCarriesTheSession) {
    const auto before = soap(fetch_call(machine_, "name"));
    EXPECT_EQ(before.status, 500);
    EXPECT_THAT(text(before), Not(HasSubstr("machine1")));
    const auto answer = soap(login_call("secret"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(text(answer), AllOf(HasSubstr("<userName>root</userName>"), HasSubstr("<key>")));
    const auto cookie = answer.headers.get("Set-Cookie").value_or("");
    EXPECT_THAT(cookie, AllOf(StartsWith("vmware_soap_session=\""), HasSubstr("; HttpOnly"),
                              HasSubstr("; Secure"), HasSubstr("Path=/")));
    EXPECT_THAT(text(answer), Not(HasSubstr(sessions_.all().front()->cookie)))
        << "the secret stands in the header alone";
    login();
    const auto after = soap(fetch_call(machine_, "name"));
    EXPECT_EQ(after.status, 200);
    EXPECT_THAT(text(after), HasSubstr("machine1"));
}

TEST_F(SdkEndpointTest, AWrongPasswordGivesAFaultAndNoCookie) {
    const auto answer = soap(login_call("Secret"));
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(text(answer), AllOf(HasSubstr("InvalidLogin"), HasSubstr("faultstring")));
    EXPECT_FALSE(answer.headers.contains("Set-Cookie"));
    EXPECT_TRUE(sessions_.all().empty());
}

TEST_F(SdkEndpointTest, ALogoutEndsTheSession) {
    login();
    const auto answer =
        soap(R"(<Logout xmlns="urn:vim25"><_this type="SessionManager">sm</_this></Logout>)");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.headers.get("Set-Cookie").value_or(""), HasSubstr("Max-Age=0"));
    EXPECT_EQ(soap(fetch_call(machine_, "name")).status, 500);
}

TEST_F(SdkEndpointTest, ASessionThatWasIdleForTooLongIsGone) {
    login();
    test_.clock.advance(Sessions::kIdleLimit + 1s);
    EXPECT_EQ(soap(fetch_call(machine_, "name")).status, 500);
}

TEST_F(SdkEndpointTest, FaultsOfSoapNameTheirCause) {
    login();
    const MoRef nothing{TypeId::VirtualMachine, "vm-99"};
    EXPECT_THAT(text(soap(fetch_call(nothing, "name"))), HasSubstr("ManagedObjectNotFound"));
    EXPECT_THAT(text(soap(fetch_call(machine_, "nonsense"))), HasSubstr("InvalidProperty"));
    for (const char* body : {"", "<", "no xml", "<a/>"}) {
        const auto answer = send("POST", "/sdk", body);
        EXPECT_EQ(answer.status, 500) << body;
        EXPECT_THAT(text(answer), HasSubstr("Fault")) << body;
    }
    const auto unknown =
        soap(R"(<Fly xmlns="urn:vim25"><_this type="VirtualMachine">vm-1</_this></Fly>)");
    EXPECT_EQ(unknown.status, 500);
    EXPECT_THAT(text(unknown), HasSubstr("Fly"));
}

TEST_F(SdkEndpointTest, JsonCarriesTheSessionInAHeader) {
    const auto answer = send("POST", std::string(kJson) + "SessionManager/sm/Login",
                             R"({"userName":"root","password":"secret"})");
    ASSERT_EQ(answer.status, 200) << text(answer);
    EXPECT_EQ(json::parse(text(answer)).at("userName"), "root");
    header_ = answer.headers.get("vmware-api-session-id").value_or("");
    ASSERT_EQ(header_.size(), 40u);
    const auto name = send("GET", std::string(kJson) + "VirtualMachine/vm-1/name");
    EXPECT_EQ(name.status, 200);
    EXPECT_THAT(text(name), HasSubstr("machine1"));
    EXPECT_EQ(send("POST", std::string(kJson) + "SessionManager/sm/Logout").status, 204);
    EXPECT_EQ(send("GET", std::string(kJson) + "VirtualMachine/vm-1/name").status, 500);
    const auto after =
        send("POST", std::string(kJson) + "SessionManager/sm/SetLocale", R"({"locale":"en"})");
    EXPECT_EQ(after.status, 500);
    EXPECT_EQ(json::parse(text(after)).at("_typeName"), "NotAuthenticated");
}

TEST_F(SdkEndpointTest, FaultsOfJson) {
    login();
    const std::string machine = std::string(kJson) + "VirtualMachine/vm-1/";
    const auto type_of = [this](std::string_view method, const std::string& target,
                                std::string body = {}, int status = 500) {
        const auto answer = send(method, target, std::move(body));
        EXPECT_EQ(answer.status, status) << target;
        EXPECT_EQ(answer.headers.get("Content-Type"), "application/json");
        return json::parse(text(answer)).at("_typeName").get<std::string>();
    };
    EXPECT_EQ(type_of("GET", machine + "nonsense", {}, 404), "InvalidProperty");
    EXPECT_EQ(type_of("GET", std::string(kJson) + "VirtualMachine/vm-9/name"),
              "ManagedObjectNotFound");
    EXPECT_EQ(type_of("POST", machine + "Fly", {}, 404), "MethodNotFound");
    EXPECT_EQ(type_of("POST", machine + "Login", {}, 404), "MethodNotFound");
    EXPECT_EQ(type_of("PUT", machine + "name", {}, 405), "InvalidRequest");
    EXPECT_EQ(type_of("POST", std::string(kJson) + "SessionManager/sm/SetLocale", "{"),
              "InvalidRequest");
    for (const char* target : {"/sdk/vim25/", "/sdk/vim25/8.0.1.0/VirtualMachine/vm-1",
                               "/sdk/vim25/never/VirtualMachine/vm-1/name",
                               "/sdk/vim25/8.0.1.0/VirtualMachine/vm-1/name/more"}) {
        EXPECT_EQ(send("GET", target).status, 404) << target;
    }
}

TEST_F(SdkEndpointTest, JsonTakesTheReleaseFromThePathAndIdsFromEncodedSegments) {
    login();
    const std::string member = "PropertyCollector/pc/RetrievePropertiesEx";
    const std::string body =
        R"({"_typeName":"RetrievePropertiesExRequestType","specSet":[{"propSet":[)"
        R"({"type":"VirtualMachine","pathSet":["name"]}],"objectSet":[{"obj":)"
        R"({"type":"VirtualMachine","value":"vm-1"}}]}],"options":{}})";
    EXPECT_EQ(send("POST", "/sdk/vim25/4.1/" + member, body).status, 200);
    EXPECT_EQ(send("POST", "/sdk/vim25/99.9/" + member, body).status, 200);
    EXPECT_EQ(send("POST", "/sdk/vim25/4.0/" + member, body).status, 404) << "it came with 4.1";
    const auto slash = send("GET", std::string(kJson) + "VirtualMachine/a%2Fb%5Bc%5D/name");
    EXPECT_EQ(slash.status, 500);
    EXPECT_EQ(json::parse(text(slash)).at("obj").at("value"), "a/b[c]");
}

TEST_F(SdkEndpointTest, JsonRefusesOtherMediaTypes) {
    const auto post = [this](std::string_view type) {
        auto made = request("POST", std::string(kJson) + "SessionManager/sm/Logout", "{}");
        if (!type.empty()) made.headers.add("Content-Type", type);
        auto future = begin(std::move(made));
        return end(future).status;
    };
    for (const auto* type : {"", "application/json", "Application/JSON; charset=utf-8",
                             "application/x-www-form-urlencoded"}) {
        EXPECT_NE(post(type), 415) << type;
    }
    for (const auto* type : {"text/xml", "multipart/form-data; boundary=x", "application/jsonx"}) {
        EXPECT_EQ(post(type), 415) << type;
    }
}

TEST_F(SdkEndpointTest, SoapDeclaresItsRelease) {
    login();
    const auto with_action = [this](std::string_view action) {
        http::Request made =
            request("POST", "/sdk",
                    envelope(R"(<RetrievePropertiesEx xmlns="urn:vim25">)"
                             R"(<_this type="PropertyCollector">pc</_this>)"
                             "<specSet><propSet><type>VirtualMachine</type></propSet>"
                             R"(<objectSet><obj type="VirtualMachine">vm-1</obj>)"
                             "</objectSet></specSet><options/>"
                             "</RetrievePropertiesEx>"));
        if (!action.empty()) made.headers.add("SOAPAction", action);
        auto future = begin(std::move(made));
        const auto answer = end(future);
        EXPECT_NE(answer.status == 500, text(answer).find("<returnval>") != std::string::npos);
        return answer.status;
    };
    for (const auto* action :
         {"", "vim25", "\"\"", "urn:vim25#RetrievePropertiesEx", "urn:vim25/4.1",
          "\"urn:vim25/8.0.3.0\"", "\"urn:vim25/9.1.0.0\"", "urn:vim25/new"}) {
        EXPECT_EQ(with_action(action), 200) << action;
    }
    EXPECT_EQ(with_action("\"urn:vim25/4.0\""), 500) << "it came with 4.1";
}

TEST_F(SdkEndpointTest, ServesTheDescriptionOfTheService) {
    for (const char* name : {"vimService.wsdl", "vim.wsdl", "core-types.xsd", "query-types.xsd",
                             "vim-types.xsd", "query-messagetypes.xsd", "vim-messagetypes.xsd"}) {
        const auto answer = send("GET", std::string("/sdk/") + name);
        EXPECT_EQ(answer.status, 200) << name;
        EXPECT_THAT(text(answer), StartsWith("<?xml"));
        EXPECT_FALSE(answer.headers.contains("Content-Encoding"));
        auto again = request("GET", std::string("/sdk/") + name, {});
        again.headers.add("If-None-Match",
                          "\"other\", " + std::string(*answer.headers.get("ETag")));
        auto future = begin(std::move(again));
        const auto unchanged = end(future);
        EXPECT_EQ(unchanged.status, 304);
        EXPECT_TRUE(text(unchanged).empty());
        auto packed = request("GET", std::string("/sdk/") + name, {});
        packed.headers.add("Accept-Encoding", "deflate, gzip;q=1.0");
        future = begin(std::move(packed));
        const auto small = end(future);
        EXPECT_EQ(small.headers.get("Content-Encoding"), "gzip");
        EXPECT_LT(text(small).size(), text(answer).size());
    }
    // A library takes the release that it asks for from here.
    const std::string newest(vim::release_name(vim::served_releases().front()));
    EXPECT_THAT(text(send("GET", "/sdk/vim.wsdl")),
                HasSubstr("soapAction=\"urn:vim25/" + newest + "\""));
    EXPECT_EQ(send("GET", "/sdk/reflect-types.xsd").status, 404);
}

TEST_F(SdkEndpointTest, WhatClientsFetchBeforeTheyTalk) {
    for (const char* target :
         {"/sdk/vimServiceVersions.xml", "/sdk/vim25/vimServiceVersions.xml"}) {
        EXPECT_TRUE(SdkEndpoint::serves(target));
        const auto answer = send("GET", target);
        EXPECT_EQ(answer.status, 200) << target;
        EXPECT_THAT(text(answer), AllOf(HasSubstr("<name>urn:vim25</name>"), HasSubstr("2.5")));
    }
    EXPECT_FALSE(SdkEndpoint::serves("/sdkx"));
    const auto refused = send("GET", "/sdk");
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.headers.get("Allow"), "POST");
    EXPECT_EQ(send("POST", "/sdk/elsewhere").status, 404);
}

TEST_F(SdkEndpointTest, AWaitEndsWithAChange) {
    login();
    const std::string version = follow();
    auto waiting = begin(soap_request(wait_call(version, 3600)));
    test_.settle();
    EXPECT_EQ(waiting.wait_for(0s), std::future_status::timeout);
    EXPECT_EQ(sessions_.all().front()->calls_running, 1u);
    test_.clock.advance(2 * Sessions::kIdleLimit);
    sessions_.expire();
    rename("other");
    const auto answer = end(waiting);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(text(answer), HasSubstr(">other<"));
    EXPECT_EQ(sessions_.all().front()->calls_running, 0u);
}

TEST_F(SdkEndpointTest, AWaitEndsWithNothingWhenItsTimeIsOver) {
    login();
    const std::string version = follow();
    for (const int seconds : {0, 1}) {
        const auto begin = std::chrono::steady_clock::now();
        const auto answer = soap(wait_call(version, seconds));
        EXPECT_EQ(answer.status, 200);
        EXPECT_THAT(text(answer),
                    AllOf(HasSubstr("WaitForUpdatesExResponse"), Not(HasSubstr("<returnval"))));
        EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds{seconds});
    }
}

TEST_F(SdkEndpointTest, AWaitIsCancelled) {
    login();
    const std::string version = follow();
    auto waiting = begin(soap_request(wait_call(version, 3600)));
    test_.settle();
    soap(R"(<CancelWaitForUpdates xmlns="urn:vim25"><_this type="PropertyCollector">pc</_this>)"
         "</CancelWaitForUpdates>");
    const auto answer = end(waiting);
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(text(answer), HasSubstr("RequestCanceled"));
}

TEST_F(SdkEndpointTest, AWaitEndsWithItsSession) {
    login();
    auto waiting = begin(soap_request(wait_call(follow(), 3600)));
    test_.settle();
    sessions_.close(sessions_.all().front()->key);
    const auto answer = end(waiting);
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(text(answer), HasSubstr("NotAuthenticated"));
}

TEST_F(SdkEndpointTest, AWaitOfAClientThatWentAwayCostsNothingMore) {
    login();
    auto waiting = begin(soap_request(wait_call(follow(), 3600)));
    test_.settle();
    peer_->go();
    end(waiting);
    EXPECT_EQ(sessions_.all().front()->calls_running, 0u);
}

TEST_F(SdkEndpointTest, ReadsPropertiesThroughTheCollector) {
    const std::string call =
        R"(<RetrievePropertiesEx xmlns="urn:vim25"><_this type="PropertyCollector">pc</_this>)"
        "<specSet><propSet><type>VirtualMachine</type><pathSet>name</pathSet></propSet>"
        R"(<objectSet><obj type="VirtualMachine">vm-1</obj></objectSet></specSet><options/>)"
        "</RetrievePropertiesEx>";
    EXPECT_THAT(text(soap(call)), HasSubstr("NotAuthenticated"));
    login();
    EXPECT_THAT(text(soap(call)), AllOf(HasSubstr("machine1"), HasSubstr("<objects>")));
}

}  // namespace
}  // namespace drover::service
