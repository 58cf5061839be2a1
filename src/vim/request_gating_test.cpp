// A request means what it meant in the release that the client declared: in both encodings, what
// came later is not there. And what is hostile about a request's form is bounded.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vim/json.hpp"
#include "vim/soap.hpp"
#include "vim/types.hpp"

namespace drover::vim {
namespace {

using testing::HasSubstr;

Release release(std::string_view name) {
    return *find_release(name);
}

std::string envelope(std::string_view call) {
    return "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/' "
           "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><e:Body>" +
           std::string(call) + "</e:Body></e:Envelope>";
}

/// The spec of a ReconfigVM_Task; throws the fault that refuses it.
Value soap_spec(std::string_view spec, std::optional<Release> declared) {
    return parse_soap_request(
               envelope("<ReconfigVM_Task xmlns='urn:vim25'><_this type='VirtualMachine'>vm-1"
                        "</_this><spec>" +
                        std::string(spec) + "</spec></ReconfigVM_Task>"),
               declared)
        .request.property("spec");
}

Value json_spec(std::string_view spec, Release declared) {
    return parse_json_request(*find_method("ReconfigVM_Task"),
                              "{\"spec\":" + std::string(spec) + "}", declared)
        .property("spec");
}

template <class F, class Action>
std::string refusal(Action action) {
    try {
        action();
    } catch (const Fault& fault) {
        EXPECT_TRUE(fault.fault().is<F>()) << describe(fault.fault().dynamic_type()).name();
        return fault.message();
    }
    ADD_FAILURE() << "accepted";
    return {};
}

TEST(RequestGating, IgnoresMembersThatCameLater) {
    // nestedHVEnabled came with 5.1.
    const std::string_view soap = "<name>n</name><nestedHVEnabled>true</nestedHVEnabled>";
    const std::string_view json = R"({"name":"n","nestedHVEnabled":true})";
    for (const Value& old : {soap_spec(soap, release("5.0")), json_spec(json, release("5.0"))}) {
        EXPECT_EQ(old.property("name"), Value::string("n"));
        EXPECT_FALSE(old.property("nestedHVEnabled"));
    }
    for (const Value& newer : {soap_spec(soap, release("5.1")), json_spec(json, release("5.1")),
                               soap_spec(soap, std::nullopt)}) {
        EXPECT_TRUE(newer.property("nestedHVEnabled"));
    }
    // Not even their content is read.
    EXPECT_NO_THROW(soap_spec("<nestedHVEnabled>perhaps</nestedHVEnabled>", release("5.0")));
    EXPECT_NO_THROW(json_spec(R"({"nestedHVEnabled":{}})", release("5.0")));
}

TEST(RequestGating, RefusesTypesThatCameLater) {
    // VirtualNVMEController came with 6.5.
    const std::string_view soap =
        "<deviceChange><operation>add</operation><device xsi:type='VirtualNVMEController'>"
        "<key>1</key><busNumber>0</busNumber></device></deviceChange>";
    const std::string_view json =
        R"({"deviceChange":[{"operation":"add","device":{"_typeName":"VirtualNVMEController",)"
        R"("key":1,"busNumber":0}}]})";
    EXPECT_THAT(refusal<InvalidType>([&] { soap_spec(soap, release("6.0")); }),
                HasSubstr("VirtualNVMEController"));
    EXPECT_THAT(refusal<InvalidType>([&] { json_spec(json, release("6.0")); }),
                HasSubstr("VirtualNVMEController"));
    EXPECT_NO_THROW(soap_spec(soap, release("6.5")));
    EXPECT_NO_THROW(json_spec(json, release("6.5")));
    EXPECT_NO_THROW(soap_spec(soap, std::nullopt));
}

TEST(RequestGating, RefusesMethodsThatCameLater) {
    const std::string call = envelope(
        "<RetrievePropertiesEx xmlns='urn:vim25'><_this type='PropertyCollector'>pc</_this>"
        "<specSet><propSet><type>Folder</type></propSet><objectSet><obj type='Folder'>f</obj>"
        "</objectSet></specSet><options/></RetrievePropertiesEx>");
    EXPECT_THAT(refusal<MethodNotFound>([&] { parse_soap_request(call, release("4.0")); }),
                HasSubstr("RetrievePropertiesEx"));
    EXPECT_NO_THROW(parse_soap_request(call, release("4.1")));
    // Who declares nothing may call everything.
    EXPECT_NO_THROW(parse_soap_request(call));
}

TEST(RequestGating, KnowsNothingNewerThanWhatIsServed) {
    const Release served = served_releases().front();
    ASSERT_LT(served, newest_release()) << "the schema is ahead of what is served";
    for (const TypeDescriptor& type : all_types()) {
        for (const MethodDescriptor& method : type.own_methods()) {
            if (method.since() <= served) continue;
            const std::string name(method.name());
            const std::string call =
                envelope("<" + name + " xmlns='urn:vim25'><_this type='" +
                         std::string(type.name()) + "'>x</_this></" + name + ">");
            refusal<MethodNotFound>([&] { parse_soap_request(call); });
        }
    }
}

TEST(RequestBounds, Attributes) {
    const auto element = [](int count) {
        std::string text = "<a";
        for (int i = 0; i < count; ++i) text += " a" + std::to_string(i) + "='>'";
        return text + "/>";
    };
    EXPECT_NO_THROW(soap_spec(element(60), std::nullopt));
    EXPECT_THAT(refusal<InvalidRequest>([&] { soap_spec(element(65), std::nullopt); }),
                HasSubstr("attributes"));
    std::string many;
    for (int i = 0; i < 20'000; ++i) many += element(60);
    EXPECT_THAT(refusal<InvalidRequest>([&] { soap_spec(many, std::nullopt); }),
                HasSubstr("elements and attributes"));
    for (const char* broken : {"<a b='<c>'/>", "<a <b/>", "<a b='", "<a b=\"c' />"}) {
        refusal<InvalidRequest>([&] { soap_spec(broken, std::nullopt); });
    }
    // A tag without an end is looked at once, wherever in it one starts.
    std::string unfinished;
    for (int i = 0; i < 1'000'000; ++i) unfinished += "<a ";
    refusal<InvalidRequest>([&] { soap_spec(unfinished, std::nullopt); });
}

TEST(RequestBounds, EntitiesAreNotExpanded) {
    std::string laughs = "<!DOCTYPE l [<!ENTITY a 'ha'>";
    for (char c = 'b'; c < 'z'; ++c) {
        laughs += std::string("<!ENTITY ") + c + " '";
        for (int i = 0; i < 10; ++i) laughs += std::string("&") + static_cast<char>(c - 1) + ";";
        laughs += "'>";
    }
    laughs +=
        "]>" + envelope("<CurrentTime><_this type='ServiceInstance'>&y;</_this></CurrentTime>");
    EXPECT_THAT(refusal<InvalidRequest>([&] { parse_soap_request(laughs); }),
                HasSubstr("document type"));
}

TEST(RequestBounds, JsonDepthAndDuplicates) {
    std::string deep;
    for (int i = 0; i < 1'000'000; ++i) deep += "[";
    refusal<InvalidRequest>([&] { json_spec(deep, newest_release()); });
    refusal<InvalidRequest>(
        [&] { json_spec("{\"a\":" + deep + std::string(1'000'000, ']') + "}", newest_release()); });
    std::string many = "[0";
    for (int i = 0; i < 1'000'001; ++i) many += ",0";
    refusal<InvalidRequest>([&] { json_spec("{\"a\":" + many + "]}", newest_release()); });
    // Of a member that stands there twice one counts.
    EXPECT_TRUE(json_spec(R"({"name":"a","name":"b"})", newest_release()).property("name"));
}

}  // namespace
}  // namespace drover::vim
