#include "vim/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "vim/random_value.hpp"
#include "vim/soap.hpp"
#include "vim/types.hpp"

namespace drover::vim {
namespace {

using testing::HasSubstr;

std::string any_json(const Value& value, Release release = newest_release()) {
    return encode_json_value(value, TypeId::anyType, release);
}

Value reconfigure(std::string_view spec) {
    return parse_json_request(*find_method("ReconfigVM_Task"),
                              "{\"spec\":" + std::string(spec) + "}")
        .property("spec");
}

template <class F>
void expect_refused(std::string_view method, std::string_view body, std::string_view text) {
    try {
        parse_json_request(*find_method(method), body);
        ADD_FAILURE() << "accepted: " << body.substr(0, 500);
    } catch (const Fault& fault) {
        EXPECT_TRUE(fault.fault().is<F>()) << describe(fault.fault().dynamic_type()).name();
        EXPECT_THAT(fault.message(), HasSubstr(text));
    }
}

TEST(JsonEncode, BoxesWhatStandsInAnyType) {
    EXPECT_EQ(any_json(Value::string("a\"\\\n\x01\xC3\xA4\xFF")),
              "{\"_typeName\":\"string\",\"_value\":\"a\\\"\\\\\\n\\u0001\xC3\xA4\xEF\xBF\xBD\"}");
    EXPECT_EQ(any_json(Value::long_(5)), "{\"_typeName\":\"long\",\"_value\":5}");
    EXPECT_EQ(any_json(Value::boolean(true)), "{\"_typeName\":\"boolean\",\"_value\":true}");
    EXPECT_EQ(any_json(Value::binary("ab")), "{\"_typeName\":\"binary\",\"_value\":\"YWI=\"}");
    EXPECT_EQ(any_json(Value::date_time(base::WallTime{})),
              "{\"_typeName\":\"dateTime\",\"_value\":\"1970-01-01T00:00:00.000000Z\"}");
    EXPECT_EQ(any_json(Convert<ManagedEntityStatus>::to(ManagedEntityStatus::gray)),
              "{\"_typeName\":\"ManagedEntityStatus\",\"_value\":\"gray\"}");
    EXPECT_EQ(any_json(Value::array(TypeId::string, {Value::string("a")})),
              "{\"_typeName\":\"ArrayOfString\",\"_value\":[\"a\"]}");
    EXPECT_EQ(any_json(Value::array(TypeId::HostSystem, {Value::moref(TypeId::HostSystem, "h")})),
              "{\"_typeName\":\"ArrayOfManagedObjectReference\",\"_value\":[{\"_typeName\":"
              "\"ManagedObjectReference\",\"type\":\"HostSystem\",\"value\":\"h\"}]}");
    EXPECT_EQ(
        any_json(Value::array(TypeId::anyType, {Value::int_(1)})),
        "{\"_typeName\":\"ArrayOfAnyType\",\"_value\":[{\"_typeName\":\"int\",\"_value\":1}]}");
    EXPECT_EQ(any_json(Value{}), "");
}

TEST(JsonEncode, WritesDeclaredValuesPlainly) {
    const Release newest = newest_release();
    EXPECT_EQ(encode_json_value(Value::string("x"), TypeId::string, newest), "\"x\"");
    EXPECT_EQ(encode_json_value(Value::array(TypeId::int_, {Value::int_(1), Value::int_(2)}),
                                TypeId::int_, newest),
              "[1,2]");
    EXPECT_EQ(encode_json_value(Value::double_(std::numeric_limits<double>::infinity()),
                                TypeId::double_, newest),
              "\"Infinity\"");
    auto disk = VirtualDisk::make();
    disk.set_key(1);
    disk.set_capacityInKB(2);
    auto spec = VirtualDeviceConfigSpec::make();
    spec.set_device(disk);
    auto config = VirtualMachineConfigSpec::make();
    config.set_deviceChange({spec});
    config.set_extraConfig({});
    EXPECT_EQ(encode_json_value(config.raw(), TypeId::VirtualMachineConfigSpec, newest),
              "{\"_typeName\":\"VirtualMachineConfigSpec\",\"deviceChange\":[{\"_typeName\":"
              "\"VirtualDeviceConfigSpec\",\"device\":{\"_typeName\":\"VirtualDisk\",\"key\":1,"
              "\"capacityInKB\":2}}]}");
}

TEST(JsonEncode, ResponsesAndRequests) {
    const Release newest = newest_release();
    EXPECT_EQ(encode_json_response(*find_method("Logout"), Value{}, newest), "");
    EXPECT_EQ(encode_json_response(*find_method("CurrentTime"), Value::date_time({}), newest),
              "\"1970-01-01T00:00:00.000000Z\"");
    EXPECT_EQ(encode_json_response(*find_method("FindAllByUuid"), Value{}, newest), "[]");
    auto login = make_object(TypeId::LoginRequestType);
    login.set_slot(0, Value::string("root"));
    EXPECT_EQ(encode_json_request(*find_method("Login"), login, newest),
              "{\"_typeName\":\"Login\",\"userName\":\"root\"}");
}

TEST(JsonEncode, FaultsNameTheirType) {
    const Fault gone = object_not_found({TypeId::VirtualMachine, "vm-9"});
    const std::string text = encode_json_fault(gone, newest_release());
    const auto parsed = nlohmann::json::parse(text);
    EXPECT_EQ(parsed["_typeName"], "ManagedObjectNotFound");
    EXPECT_EQ(parsed["faultstring"], gone.message());
    EXPECT_EQ(parsed["obj"]["value"], "vm-9");
    const Fault back = decode_json_fault(text);
    EXPECT_EQ(back.fault(), gone.fault());
    EXPECT_EQ(back.message(), gone.message());
    EXPECT_EQ(decode_json_fault("{\"_typeName\":\"Novel\"}").fault().dynamic_type(),
              TypeId::MethodFault);
    EXPECT_THROW(decode_json_fault("<html>"), Fault);
}

TEST(JsonRequest, ReadsWhatClientsSend) {
    const MethodDescriptor& login = *find_method("Login");
    for (const auto* name :
         {"", "\"_typeName\":\"Login\",", "\"_typeName\":\"LoginRequestType\","}) {
        const Value request = parse_json_request(
            login, "{" + std::string(name) +
                       "\"userName\":\"root\",\"password\":\"p\\u00e4\",\"unheardOf\":[{}],"
                       "\"locale\":null}");
        EXPECT_EQ(request.property("userName").as_string(), "root");
        EXPECT_EQ(request.property("password").as_string(), "p\xC3\xA4");
        EXPECT_FALSE(request.property("locale"));
    }
    EXPECT_EQ(parse_json_request(*find_method("CurrentTime"), " \n").type(),
              TypeId::CurrentTimeRequestType);
    const Value option = reconfigure(
        "{\"extraConfig\":[{\"key\":\"a\",\"value\":{\"_typeName\":\"long\",\"_value\":5.0}},"
        "{\"key\":\"b\",\"value\":\"plain\"}]}");
    EXPECT_EQ(option.property("extraConfig").elements()[0].property("value"), Value::long_(5));
    EXPECT_EQ(option.property("extraConfig").elements()[1].property("value"),
              Value::string("plain"));
}

TEST(JsonRequest, RefusesWhatDoesNotFit) {
    expect_refused<InvalidRequest>("Login", "{\"userName\":\"a\"}", "password: this required");
    expect_refused<InvalidRequest>("Login", "", "userName: this required");
    expect_refused<InvalidRequest>("Login", "{\"userName\":", "no JSON");
    expect_refused<InvalidRequest>("Login", "{\"userName\":\"\xFF\",\"password\":\"\"}", "no JSON");
    expect_refused<InvalidRequest>("Login", "[]", "no JSON object");
    expect_refused<InvalidRequest>("Login", "{\"_typeName\":\"Logout\"}", "_typeName");
    expect_refused<InvalidRequest>("Login", "{\"userName\":1,\"password\":\"\"}",
                                   "userName: string is expected");
    const auto spec = [](std::string_view text) { return "{\"spec\":" + std::string(text) + "}"; };
    const auto* method = "ReconfigVM_Task";
    expect_refused<InvalidRequest>(method, spec("{\"numCPUs\":2147483648}"), "spec.numCPUs: int");
    expect_refused<InvalidRequest>(method, spec("{\"numCPUs\":1.5}"), "spec.numCPUs: int");
    expect_refused<InvalidRequest>(method, spec("{\"memoryMB\":18446744073709551615}"),
                                   "spec.memoryMB");
    expect_refused<InvalidRequest>(method, spec("{\"extraConfig\":{}}"), "an array is expected");
    expect_refused<InvalidRequest>(
        method, spec("{\"deviceChange\":[{\"device\":{\"key\":1}},{\"device\":{}}]}"),
        "spec.deviceChange[1].device.key");
    expect_refused<InvalidType>(
        method, spec("{\"deviceChange\":[{\"device\":{\"_typeName\":\"Gizmo\",\"key\":1}}]}"),
        "spec.deviceChange[0].device: 'Gizmo'");
    expect_refused<InvalidType>(method,
                                spec("{\"extraConfig\":[{\"key\":\"k\",\"value\":{\"a\":1}}]}"),
                                "a _typeName is needed");
    expect_refused<InvalidArgument>(
        method, spec("{\"deviceChange\":[{\"operation\":\"explode\",\"device\":{\"key\":1}}]}"),
        "spec.deviceChange[0].operation: 'explode'");
    const std::string deep(100'000, '[');
    expect_refused<InvalidRequest>(method, spec(deep), "deep");
    std::string many = "{\"x\":[0";
    for (int i = 0; i < 1'000'001; ++i) many += ",0";
    expect_refused<InvalidRequest>(method, many + "]}", "values");
}

TEST(JsonClient, ToleratesANewerServer) {
    const Value about = decode_json_value(
        "{\"_typeName\":\"AboutInfoPlus\",\"name\":\"n\",\"novelty\":{\"_typeName\":\"X\"}}",
        TypeId::AboutInfo);
    EXPECT_EQ(about.property("name").as_string(), "n");
    EXPECT_FALSE(decode_json_value("\"purple\"", TypeId::ManagedEntityStatus));
    EXPECT_FALSE(decode_json_value("null", TypeId::string));
    EXPECT_TRUE(std::isnan(decode_json_value("\"NaN\"", TypeId::float_).as_double()));
    EXPECT_EQ(decode_json_value("\"AQ==\"", TypeId::byte_, true),
              Value::array(TypeId::byte_, {Value::byte_(1)}));
    EXPECT_THROW(decode_json_value("{}", TypeId::int_), Fault);
}

TEST(JsonRoundTrip, KeepsAnyValue) {
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        const Value value = RandomValues(seed).value(TypeId::anyType, 4);
        if (value.kind() == ValueKind::float_ || value.kind() == ValueKind::double_) continue;
        const std::string text = any_json(value);
        ASSERT_TRUE(nlohmann::json::accept(text)) << text;
        ASSERT_EQ(value, decode_json_value(text, TypeId::anyType)) << "seed " << seed << text;
    }
}

TEST(JsonRoundTrip, KeepsEveryRequestAndResult) {
    std::uint64_t seed = 0;
    for (const TypeDescriptor& type : all_types()) {
        for (const MethodDescriptor& method : type.own_methods()) {
            RandomValues random(++seed);
            const Value request = random.object(method.request, 2);
            const std::string text = encode_json_request(method, request, newest_release());
            ASSERT_EQ(parse_json_request(method, text, newest_release()), request)
                << method.name() << text;
            Value result;
            if (method.returns_array()) {
                result = Value::array(method.result_type, {random.value(method.result_type, 2)});
            } else if (method.result_type != TypeId::none) {
                result = random.value(method.result_type, 2);
            }
            ASSERT_EQ(decode_json_response(method,
                                           encode_json_response(method, result, newest_release())),
                      result)
                << method.name();
        }
    }
    EXPECT_GT(seed, 900U);
}

TEST(JsonGating, AgreesWithSoapAtEveryRelease) {
    for (const Release at : served_releases()) {
        for (std::uint64_t seed = 0; seed < 300; ++seed) {
            const Value value = RandomValues(seed).value(TypeId::anyType, 4);
            const Value sent = decode_json_value(any_json(value, at), TypeId::anyType);
            ASSERT_EQ(find_newer(sent, at), "") << release_name(at) << " seed " << seed;
            ASSERT_EQ(sent, decode_soap_fetch_response(encode_soap_fetch_response(value, at)))
                << release_name(at) << " seed " << seed;
        }
    }
}

}  // namespace
}  // namespace drover::vim
