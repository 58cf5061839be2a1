#include "vim/soap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "vim/random_value.hpp"
#include "vim/types.hpp"

namespace drover::vim {
namespace {

using testing::HasSubstr;

Release release(std::string_view name) {
    return *find_release(name);
}

std::string envelope(std::string_view call, std::string_view header = {}) {
    return "<?xml version='1.0' encoding='UTF-8'?><S:Envelope "
           "xmlns:S='http://schemas.xmlsoap.org/soap/envelope/' "
           "xmlns:x='http://www.w3.org/2001/XMLSchema-instance' "
           "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
           "xmlns:xsd='http://www.w3.org/2001/XMLSchema' xmlns:v='urn:vim25'>" +
           std::string(header) + "<S:Body>" + std::string(call) + "</S:Body></S:Envelope>";
}

/// Parses and expects a fault of this type whose message has `text` in it.
template <class F>
void expect_refused(const std::string& body, std::string_view text) {
    try {
        parse_soap_request(body);
        ADD_FAILURE() << "accepted: " << body.substr(0, 500);
    } catch (const Fault& fault) {
        EXPECT_TRUE(fault.fault().is<F>()) << describe(fault.fault().dynamic_type()).name();
        EXPECT_THAT(fault.message(), HasSubstr(text));
    }
}

std::string fetch(const Value& value, Release at = newest_release()) {
    const std::string all = encode_soap_fetch_response(value, at);
    const auto start = all.find("<returnval");
    if (start == std::string::npos) return {};
    const auto end = all.find("</FetchResponse>");
    return all.substr(start, end - start);
}

TEST(SoapRequest, ReadsWhatClientsSend) {
    const auto request = parse_soap_request(envelope(
        "<v:Login versionId='6.7' x:type='v:LoginRequestType'>"
        "<password x:type='xsd:string'>a &lt;&amp;&#x20AC;<![CDATA[<b>]]></password>"
        "<unheardOf><x/></unheardOf>"
        "<v:userName x:type='xsd:string'>root</v:userName>"
        "<_this x:type='v:ManagedObjectReference' type='SessionManager'>ha-sessionmgr</_this>"
        "</v:Login>",
        "<S:Header><operationID>op-1</operationID></S:Header>"));
    ASSERT_NE(request.method, nullptr);
    EXPECT_EQ(request.method->name(), "Login");
    EXPECT_EQ(request.self, (MoRef{TypeId::SessionManager, "ha-sessionmgr"}));
    EXPECT_EQ(request.operation_id, "op-1");
    EXPECT_EQ(request.request.property("userName").as_string(), "root");
    EXPECT_EQ(request.request.property("password").as_string(), "a <&\xE2\x82\xAC<b>");
    EXPECT_FALSE(request.request.property("locale"));
}

TEST(SoapRequest, ReadsFetch) {
    const auto request = parse_soap_request(envelope(
        "<Fetch xmlns='urn:vim25'><_this type='Nonsense'>x</_this><prop>name</prop></Fetch>"));
    EXPECT_EQ(request.method, nullptr);
    EXPECT_EQ(request.self, (MoRef{TypeId::none, "x"}));
    EXPECT_EQ(request.fetch_property, "name");
    expect_refused<InvalidRequest>(envelope("<Fetch><_this type='Task'>x</_this></Fetch>"), "prop");
    expect_refused<InvalidRequest>(envelope("<Fetch><_this>x</_this><prop>a</prop></Fetch>"),
                                   "type");
}

std::string find_child(std::string_view name) {
    return envelope(
        "<FindChild><_this type='SearchIndex'>s</_this>"
        "<entity type='Folder'>f</entity>" +
        std::string(name) + "</FindChild>");
}

TEST(SoapRequest, RefusesWhatDoesNotFit) {
    EXPECT_NO_THROW(parse_soap_request(find_child("<name>a</name>")));
    expect_refused<InvalidRequest>(find_child(""), "name: this required parameter is missing");
    expect_refused<InvalidRequest>(find_child("<name xsi:nil='true'/>"), "name");
    expect_refused<InvalidRequest>(find_child("<name>a</name><name>b</name>"), "more than once");
    expect_refused<InvalidRequest>(find_child("<name><b/></name>"), "name: elements stand");
    expect_refused<MethodNotFound>(
        envelope("<FindNothing><_this type='SearchIndex'>s</_this></FindNothing>"), "FindNothing");
    expect_refused<InvalidRequest>(envelope("<CurrentTime/>"), "_this");
    expect_refused<InvalidRequest>(
        envelope("<CurrentTime><_this xsi:nil='true' type='ServiceInstance'/></CurrentTime>"),
        "_this");
    expect_refused<InvalidRequest>(
        envelope("<CurrentTime><_this type='ServiceInstance'></_this></CurrentTime>"), "_this");
    expect_refused<InvalidRequest>("<a><b></a>", "no XML");
    expect_refused<InvalidRequest>("", "no XML");
    expect_refused<InvalidRequest>("<a/>", "envelope");
    expect_refused<InvalidRequest>(envelope(""), "envelope");
}

TEST(SoapRequest, RefusesHostileXml) {
    const std::string call =
        envelope("<CurrentTime><_this type='ServiceInstance'>&e;</_this></CurrentTime>");
    expect_refused<InvalidRequest>("<!DOCTYPE a [<!ENTITY e 'x'>]>" + call, "document type");
    expect_refused<InvalidRequest>(call, "unknown entity");
    expect_refused<InvalidRequest>(find_child("<name>&#0;</name>"), "unknown entity or character");
    expect_refused<InvalidRequest>(find_child("<name>&#xD800;</name>"), "character");
    expect_refused<InvalidRequest>(find_child("<name>\xC3(</name>"), "UTF-8");
    expect_refused<InvalidRequest>(find_child("<name><![CDATA[\xFF]]></name>"), "UTF-8");
    expect_refused<InvalidRequest>(find_child(std::string_view("<name>\0</name>", 14)), "control");
    std::string many;
    for (int i = 0; i < 1'000'001; ++i) many += "<a/>";
    expect_refused<InvalidRequest>(find_child(many), "elements");
    std::string deep;
    for (int i = 0; i < 200'000; ++i) deep += "<a>";
    for (int i = 0; i < 200'000; ++i) deep += "</a>";
    EXPECT_NO_THROW(parse_soap_request(find_child(deep + "<name>a</name>")));
}

std::string reconfigure(std::string_view spec) {
    return envelope("<ReconfigVM_Task><_this type='VirtualMachine'>vm-1</_this><spec>" +
                    std::string(spec) + "</spec></ReconfigVM_Task>");
}

TEST(SoapRequest, NamesThePlaceOfAnError) {
    const std::string ok =
        "<deviceChange><device xsi:type='VirtualDisk'><key>1</key>"
        "<capacityInKB>1</capacityInKB></device></deviceChange>";
    EXPECT_NO_THROW(parse_soap_request(reconfigure(ok)));
    expect_refused<InvalidRequest>(
        reconfigure(ok +
                    "<name>n</name><deviceChange><device><key>x</key></device></deviceChange>"),
        "spec.deviceChange[1].device.key: 'x' is no int");
    expect_refused<InvalidRequest>(
        reconfigure("<deviceChange><device xsi:type='VirtualDisk'><key>1</key></device>"
                    "</deviceChange>"),
        "spec.deviceChange[0].device.capacityInKB: this required property of VirtualDisk");
    expect_refused<InvalidType>(
        reconfigure("<deviceChange><device xsi:type='VirtualGizmo'><key>1</key></device>"
                    "</deviceChange>"),
        "spec.deviceChange[0].device: 'VirtualGizmo' is no known type");
    expect_refused<InvalidType>(
        reconfigure("<deviceChange><device xsi:type='Description'/></deviceChange>"),
        "Description is no VirtualDevice");
    expect_refused<InvalidType>(
        reconfigure("<extraConfig><key>k</key><value xsi:type='LoginRequestType'/></extraConfig>"),
        "extraConfig[0].value");
    try {
        parse_soap_request(
            reconfigure("<deviceChange><operation>explode</operation>"
                        "<device><key>1</key></device></deviceChange>"));
        ADD_FAILURE();
    } catch (const Fault& fault) {
        ASSERT_TRUE(fault.fault().is<InvalidArgument>());
        EXPECT_EQ(fault.fault().raw().property("invalidProperty").as_string(),
                  "spec.deviceChange[0].operation");
    }
}

TEST(SoapRequest, ReadsLexicalForms) {
    const auto spec = [](std::string_view text) {
        return parse_soap_request(reconfigure(text)).request.property("spec");
    };
    const auto option = [&](std::string_view type, std::string_view text) {
        return spec("<extraConfig><key>k</key><value xsi:type='" + std::string(type) + "'>" +
                    std::string(text) + "</value></extraConfig>")
            .property("extraConfig")
            .elements()[0]
            .property("value");
    };
    EXPECT_EQ(option("xsd:boolean", " 1 "), Value::boolean(true));
    EXPECT_EQ(option("boolean", "false"), Value::boolean(false));
    EXPECT_EQ(option("q:int", "\n-5 "), Value::int_(-5));
    EXPECT_EQ(option("xsd:long", "+9223372036854775807"),
              Value::long_(std::numeric_limits<std::int64_t>::max()));
    EXPECT_EQ(option("xsd:byte", "-128"), Value::byte_(-128));
    EXPECT_EQ(option("xsd:short", "7"), Value::short_(7));
    EXPECT_EQ(option("xsd:unsignedInt", "4294967295"), Value::long_(4294967295));
    EXPECT_EQ(option("xsd:double", "-INF"),
              Value::double_(-std::numeric_limits<double>::infinity()));
    EXPECT_TRUE(std::isnan(option("xsd:float", "NaN").as_double()));
    EXPECT_EQ(option("xsd:double", "1e3"), Value::double_(1000));
    EXPECT_EQ(option("xsd:string", "  a "), Value::string("  a "));
    EXPECT_EQ(option("xsd:string", " "), Value::string(" "));
    EXPECT_EQ(option("xsd:string", ""), Value::string(""));
    EXPECT_EQ(option("xsd:base64Binary", "AAH/\n/g=="), Value::binary({"\0\1\xFF\xFE", 4}));
    EXPECT_EQ(option("xsd:dateTime", "1970-01-01T01:00:00.5+01:00"),
              Value::date_time(base::WallTime{std::chrono::microseconds{500'000}}));
    EXPECT_EQ(option("ManagedEntityStatus", "green").as_string(), "green");
    EXPECT_EQ(option("v:ManagedObjectReference' type='HostSystem", "host-1"),
              Value::moref(TypeId::HostSystem, "host-1"));
    EXPECT_EQ(option("ArrayOfString", "<string>a</string><string xsi:type='xsd:string'/>"),
              Value::array(TypeId::string, {Value::string("a"), Value::string("")}));
    EXPECT_EQ(option("ArrayOfAnyType", "<anyType xsi:type='xsd:int'>1</anyType>"),
              Value::array(TypeId::anyType, {Value::int_(1)}));
    for (const auto& [type, text] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"xsd:boolean", "yes"},
             {"xsd:int", "2147483648"},
             {"xsd:int", "0x1"},
             {"xsd:int", ""},
             {"xsd:byte", "128"},
             {"xsd:double", "inf"},
             {"xsd:double", "1,5"},
             {"xsd:dateTime", "yesterday"},
             {"xsd:base64Binary", "A==="},
             {"xsd:base64Binary", "AAAA=AAA"},
             {"xsd:int", "+-1"}}) {
        EXPECT_THROW(option(type, text), Fault) << type << ' ' << text;
    }
    EXPECT_EQ(spec("<numCPUs xsi:type='xsd:long'>2</numCPUs>").property("numCPUs"), Value::int_(2));
    EXPECT_FALSE(spec("<numCPUs xsi:nil='1'/>").property("numCPUs"));
}

TEST(SoapRequest, BoundsDepth) {
    std::string deep;
    std::string end;
    for (int i = 0; i < 100; ++i) {
        deep += "<value xsi:type='OptionValue'><key>k</key>";
        end += "</value>";
    }
    expect_refused<InvalidRequest>(
        reconfigure("<extraConfig><key>k</key>" + deep + end + "</extraConfig>"), "64 deep");
    std::string arrays;
    std::string arrays_end;
    for (int i = 0; i < 100; ++i) {
        arrays += "<anyType xsi:type='ArrayOfAnyType'>";
        arrays_end += "</anyType>";
    }
    expect_refused<InvalidRequest>(
        reconfigure("<extraConfig><key>k</key><value xsi:type='ArrayOfAnyType'>" + arrays +
                    arrays_end + "</value></extraConfig>"),
        "64 deep");
}

TEST(SoapRelease, ComesFromTheHeader) {
    EXPECT_EQ(release_from_soap_action("\"urn:vim25/6.7.1\""), release("6.7.1"));
    EXPECT_EQ(release_from_soap_action("urn:vim25/4.1"), release("4.1"));
    EXPECT_EQ(release_from_soap_action(" \"urn:vim25/2.5u2\" "), release("2.5u2"));
    for (const auto* old :
         {"", "\"\"", "urn:vim25#Login", "urn:vim25", "urn:vim25/", "\"urn:vim25/"}) {
        EXPECT_EQ(release_from_soap_action(old), release("2.5")) << old;
    }
    for (const auto* fresh : {"urn:vim25/9.1.0.0", "urn:vim25/dev", "urn:vim25/8.0.3.0"}) {
        EXPECT_EQ(release_from_soap_action(fresh), served_releases().front()) << fresh;
    }
    EXPECT_EQ(release_from_soap_action("urn:vim25/1.0"), served_releases().back());
    for (const Release each : served_releases()) {
        EXPECT_EQ(release_from_soap_action(soap_action(each)), each);
    }
}

TEST(SoapEncode, TypesWhatStandsInAnyType) {
    EXPECT_EQ(fetch(Value::string("a<b>&\r\n\x01\xFF")),
              "<returnval xsi:type=\"xsd:string\">a&lt;b&gt;&amp;&#13;\n\xEF\xBF\xBD\xEF\xBF\xBD"
              "</returnval>");
    EXPECT_EQ(fetch(Value::int_(-1)), "<returnval xsi:type=\"xsd:int\">-1</returnval>");
    EXPECT_EQ(fetch(Value::binary("ab")),
              "<returnval xsi:type=\"xsd:base64Binary\">YWI=</returnval>");
    EXPECT_EQ(fetch(Value::float_(0.1F)), "<returnval xsi:type=\"xsd:float\">0.1</returnval>");
    EXPECT_EQ(fetch(Value::double_(std::numeric_limits<double>::infinity())),
              "<returnval xsi:type=\"xsd:double\">INF</returnval>");
    EXPECT_EQ(fetch(Value::date_time(base::WallTime{std::chrono::microseconds{1'500'000}})),
              "<returnval xsi:type=\"xsd:dateTime\">1970-01-01T00:00:01.500000Z</returnval>");
    EXPECT_EQ(fetch(Value::moref(TypeId::HostSystem, "h")),
              "<returnval xsi:type=\"ManagedObjectReference\" type=\"HostSystem\">h</returnval>");
    EXPECT_EQ(fetch(Convert<VirtualMachinePowerState>::to(VirtualMachinePowerState::poweredOn)),
              "<returnval xsi:type=\"VirtualMachinePowerState\">poweredOn</returnval>");
    EXPECT_EQ(fetch(Value{}), "");
}

TEST(SoapEncode, TypesEveryElementOfAnArrayInAnyType) {
    EXPECT_EQ(fetch(Value::array(TypeId::HostSystem, {Value::moref(TypeId::HostSystem, "h")})),
              "<returnval xsi:type=\"ArrayOfManagedObjectReference\"><ManagedObjectReference "
              "xsi:type=\"ManagedObjectReference\" type=\"HostSystem\">h</ManagedObjectReference>"
              "</returnval>");
    EXPECT_EQ(fetch(Value::array(TypeId::int_, {Value::int_(1)})),
              "<returnval xsi:type=\"ArrayOfInt\"><int xsi:type=\"xsd:int\">1</int></returnval>");
    EXPECT_EQ(fetch(Value::array(TypeId::string, {})),
              "<returnval xsi:type=\"ArrayOfString\"></returnval>");
    auto disk = VirtualDisk::make();
    disk.set_key(1);
    disk.set_capacityInKB(2);
    EXPECT_EQ(fetch(Value::array(TypeId::VirtualDevice, {disk.raw()})),
              "<returnval xsi:type=\"ArrayOfVirtualDevice\"><VirtualDevice "
              "xsi:type=\"VirtualDisk\"><key>1</key><capacityInKB>2</capacityInKB>"
              "</VirtualDevice></returnval>");
    EXPECT_EQ(fetch(Value::array(TypeId::anyType, {Value::boolean(true)})),
              "<returnval xsi:type=\"ArrayOfAnyType\"><anyType xsi:type=\"xsd:boolean\">true"
              "</anyType></returnval>");
}

TEST(SoapEncode, TypesOnlyDerivedObjectsWhereATypeIsDeclared) {
    auto disk = VirtualDisk::make();
    disk.set_key(1);
    disk.set_capacityInKB(2);
    auto spec = VirtualDeviceConfigSpec::make();
    spec.set_device(disk);
    auto config = VirtualMachineConfigSpec::make();
    config.set_name("n");
    config.set_deviceChange({spec});
    config.set_extraConfig({});
    EXPECT_EQ(fetch(config.raw()),
              "<returnval xsi:type=\"VirtualMachineConfigSpec\"><name>n</name><deviceChange>"
              "<device xsi:type=\"VirtualDisk\"><key>1</key><capacityInKB>2</capacityInKB></device>"
              "</deviceChange></returnval>");
}

TEST(SoapEncode, LeavesOutWhatAReleaseDoesNotKnow) {
    EXPECT_THAT(fetch(make_object(TypeId::VirtualNVMEController), release("4.0")),
                HasSubstr("xsi:type=\"VirtualController\""));
    EXPECT_THAT(fetch(Value::moref(TypeId::StoragePod, "p"), release("4.1")),
                HasSubstr("type=\"Folder\""));
    // An enumeration's value that is newer than the client is left out with its property.
    const auto newer = [] {
        for (const TypeDescriptor& type : all_types()) {
            if (type.kind != TypeKind::enumeration) continue;
            for (std::uint16_t i = 0; i < type.value_count(); ++i) {
                if (std::max(type.since(), type.value_since(i)) > release("4.0")) {
                    return Value::enumeration(find_type(type.name()), i);
                }
            }
        }
        return Value{};
    }();
    ASSERT_TRUE(newer);
    EXPECT_EQ(fetch(newer, release("4.0")), "");
    EXPECT_NE(fetch(newer), "");
    // What remains of a property without its value is of no use to anybody.
    auto property = DynamicProperty::make();
    property.set_name("n");
    property.set_val(newer);
    EXPECT_EQ(fetch(Value::array(TypeId::DynamicProperty, {property.raw()}), release("4.0")),
              "<returnval xsi:type=\"ArrayOfDynamicProperty\"></returnval>");
}

TEST(SoapEncode, FaultsLookAsClientsExpect) {
    auto fault = make_fault<InvalidRequest>("no & never");
    const std::string text = encode_soap_fault(fault, newest_release());
    EXPECT_THAT(text, HasSubstr("<soapenv:Fault><faultcode>ServerFaultCode</faultcode>"
                                "<faultstring>no &amp; never</faultstring><detail>"
                                "<InvalidRequestFault xmlns=\"urn:vim25\" "
                                "xsi:type=\"InvalidRequest\"></InvalidRequestFault></detail>"
                                "</soapenv:Fault>"));
    const Fault gone = object_not_found({TypeId::VirtualMachine, "vm-9"});
    EXPECT_THAT(encode_soap_fault(gone, newest_release()),
                HasSubstr("xsi:type=\"ManagedObjectNotFound\"><obj type=\"VirtualMachine\">vm-9"));
    for (const auto& each : {fault, gone, invalid_argument("spec.x", "bad")}) {
        try {
            decode_soap_response(*find_method("CurrentTime"),
                                 encode_soap_fault(each, newest_release()));
            ADD_FAILURE();
        } catch (const Fault& seen) {
            EXPECT_EQ(seen.message(), each.message());
            EXPECT_EQ(seen.fault(), each.fault());
        }
    }
}

TEST(SoapClient, ToleratesANewerServer) {
    const auto answer = [](std::string_view inside) {
        return decode_soap_response(
            *find_method("RetrieveServiceContent"),
            envelope("<RetrieveServiceContentResponse xmlns='urn:vim25'><returnval>" +
                     std::string(inside) + "</returnval></RetrieveServiceContentResponse>"));
    };
    const Value content = answer(
        "<rootFolder type='NewFolder'>f</rootFolder><novelty xsi:type='Novel'><a/></novelty>"
        "<about xsi:type='AboutInfoPlus'><name>n</name><extra>1</extra></about>");
    EXPECT_EQ(content.property("rootFolder").as_moref(), (MoRef{TypeId::none, "f"}));
    EXPECT_EQ(content.property("about").property("name").as_string(), "n");
    EXPECT_THROW(answer("<about>text<apiVersion><x/></apiVersion></about>"), Fault);
    EXPECT_THROW(decode_soap_response(*find_method("CurrentTime"), "<html></html>"), Fault);
    try {
        decode_soap_response(
            *find_method("CurrentTime"),
            envelope("<S:Fault><faultcode>c</faultcode><faultstring>why</faultstring><detail>"
                     "<RuntimeFaultFault xsi:type='NovelFault'/></detail></S:Fault>"));
        ADD_FAILURE();
    } catch (const Fault& fault) {
        EXPECT_EQ(fault.fault().dynamic_type(), TypeId::RuntimeFault);
        EXPECT_EQ(fault.message(), "why");
    }
}

TEST(SoapRoundTrip, KeepsAnyValue) {
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        RandomValues random(seed);
        const Value value = random.value(TypeId::anyType, 4);
        const Value back =
            decode_soap_fetch_response(encode_soap_fetch_response(value, newest_release()));
        ASSERT_EQ(to_debug_string(value), to_debug_string(back)) << "seed " << seed;
        ASSERT_EQ(value, back) << "seed " << seed;
    }
}

TEST(SoapRoundTrip, KeepsEveryTypeOfObject) {
    for (std::size_t i = 0; i < all_types().size(); ++i) {
        if (all_types()[i].kind != TypeKind::data) continue;
        const Value value = RandomValues(i).object(TypeId{static_cast<std::uint16_t>(i)}, 2);
        const Value back =
            decode_soap_fetch_response(encode_soap_fetch_response(value, newest_release()));
        ASSERT_EQ(value, back) << all_types()[i].name() << '\n'
                               << to_debug_string(value) << to_debug_string(back);
    }
}

TEST(SoapRoundTrip, KeepsEveryRequestAndResult) {
    std::uint64_t seed = 0;
    for (const TypeDescriptor& type : all_types()) {
        for (const MethodDescriptor& method : type.own_methods()) {
            RandomValues random(++seed);
            const Value request = random.object(method.request, 2);
            const auto back = parse_soap_request(
                encode_soap_request(method, {method.owner, "x"}, request, newest_release()),
                newest_release());
            ASSERT_EQ(back.method, &method);
            ASSERT_EQ(back.self, (MoRef{method.owner, "x"}));
            ASSERT_EQ(back.request, request)
                << method.name() << to_debug_string(request) << to_debug_string(back.request);
            Value result;
            if (method.returns_array()) {
                result = Value::array(method.result_type, {random.value(method.result_type, 2)});
            } else if (method.result_type != TypeId::none) {
                result = random.value(method.result_type, 2);
            }
            ASSERT_EQ(decode_soap_response(method,
                                           encode_soap_response(method, result, newest_release())),
                      result)
                << method.name();
        }
    }
    EXPECT_GT(seed, 900U);
}

TEST(SoapGating, NeverSendsWhatIsNewerThanTheRelease) {
    for (const Release at : served_releases()) {
        for (std::uint64_t seed = 0; seed < 400; ++seed) {
            const Value value = RandomValues(seed).value(TypeId::anyType, 4);
            const Value sent = decode_soap_fetch_response(encode_soap_fetch_response(value, at));
            ASSERT_EQ(find_newer(sent, at), "") << release_name(at) << " seed " << seed;
        }
    }
    const Value all = RandomValues(1).object(TypeId::VirtualMachineConfigInfo, 3);
    EXPECT_NE(find_newer(all, release("2.5")), "") << "the test must be able to fail";
}

}  // namespace
}  // namespace drover::vim
