// Lets a foreign implementation of the interface try our codecs: reads commands from standard input
// and answers each with "<byte count>\n<bytes>". Used by codec_pyvmomi_test.py.
//
//   types RELEASE              the data objects and enumerations that the release knows, one a line
//   limits 0|1 TYPE...         strings are names of types (1), and types that shall not occur
//   value TYPE RELEASE SEED    a made-up object of this type, as the response to Fetch
//   result METHOD RELEASE SEED a made-up response to a method
//   fault RELEASE              a SOAP fault
//   versions                   vimServiceVersions.xml
//   parse BYTES                reads a request of so many bytes; answers "Method|type|id|dump"
//   same TYPE RELEASE SEED BYTES
//                              reads an UpdateOptions request; answers "same" if the value of its
//                              first option is the object that `value` sent, else both
#include <algorithm>
#include <iostream>
#include <sstream>

#include "vim/random_value.hpp"
#include "vim/service_versions.hpp"
#include "vim/soap.hpp"
#include "vim/types.hpp"

namespace {

using namespace drover::vim;

std::string read_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    std::cin.read(bytes.data(), static_cast<std::streamsize>(count));
    return bytes;
}

RandomValues::Limits limits;

std::string set_limits(std::istream& words) {
    words >> limits.names_only;
    limits.flat_arrays = true;
    limits.avoid.clear();
    for (std::string name; words >> name;) limits.avoid.insert(find_type(name));
    return "done";
}

// True if `read` holds all that was sent. What was not sent may have a default: pyVmomi gives one
// to each boolean and number that its release demands.
bool covers(const Value& sent, const Value& read) {
    if (sent.kind() != read.kind()) return !sent && read.kind() < ValueKind::string;
    if (sent.type() != read.type()) return false;
    std::span<const Value> left;
    std::span<const Value> right;
    if (sent.kind() == ValueKind::object) {
        left = sent.slots();
        right = read.slots();
    } else if (sent.kind() == ValueKind::array) {
        left = sent.elements();
        right = read.elements();
    } else {
        return sent == read;
    }
    return std::ranges::equal(left, right, covers);
}

std::string sent_value(std::istream& words) {
    std::string type;
    std::string release;
    std::uint64_t seed = 0;
    words >> type >> release >> seed;
    return encode_soap_fetch_response(RandomValues(seed, limits).object(find_type(type), 2),
                                      *find_release(release));
}

std::string sent_result(std::istream& words) {
    std::string name;
    std::string release;
    std::uint64_t seed = 0;
    words >> name >> release >> seed;
    if (find_method(name) == nullptr) return "unknown method";
    const MethodDescriptor& method = *find_method(name);
    RandomValues random(seed, limits);
    Value result;
    if (method.returns_array()) {
        result = Value::array(method.result_type, {random.value(method.result_type, 2)});
    } else if (method.result_type != TypeId::none) {
        result = random.value(method.result_type, 2);
    }
    return encode_soap_response(method, result, *find_release(release));
}

std::string known_types(std::istream& words) {
    std::string release;
    words >> release;
    std::string lines;
    for (const TypeDescriptor& type : all_types()) {
        if ((type.kind != TypeKind::data && type.kind != TypeKind::enumeration) ||
            type.since() > *find_release(release))
            continue;
        lines += type.kind == TypeKind::data ? "data " : "enum ";
        lines += type.name();
        lines += '\n';
    }
    return lines;
}

std::string compare(std::istream& words) {
    const Value sent = decode_soap_fetch_response(sent_value(words));
    std::size_t count = 0;
    words >> count;
    const SoapRequest request = parse_soap_request(read_bytes(count));
    const Value back = request.request.property("changedValue").elements()[0].property("value");
    return covers(sent, back) ? "same" : to_debug_string(sent) + "\n---\n" + to_debug_string(back);
}

std::string parse(std::istream& words) {
    std::size_t count = 0;
    words >> count;
    const SoapRequest request = parse_soap_request(read_bytes(count));
    std::string text(request.method == nullptr ? "Fetch" : request.method->name());
    text += '|';
    text += describe(request.self.type).name();
    return text + '|' + request.self.id + '|' + to_debug_string(request.request);
}

std::string answer(std::string_view command, std::istream& words) {
    if (command == "types") return known_types(words);
    if (command == "limits") return set_limits(words);
    if (command == "value") return sent_value(words);
    if (command == "result") return sent_result(words);
    if (command == "versions") return service_versions_xml();
    if (command == "parse") return parse(words);
    if (command == "same") return compare(words);
    if (command == "fault") {
        std::string release;
        words >> release;
        return encode_soap_fault(object_not_found({TypeId::VirtualMachine, "vm-9"}),
                                 *find_release(release));
    }
    return "unknown command";
}

}  // namespace

int main() {
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        std::string command;
        words >> command;
        std::string text;
        try {
            text = answer(command, words);
        } catch (const Fault& fault) {
            text = "fault: " + fault.message();
        }
        std::cout << text.size() << '\n' << text << std::flush;
    }
    return 0;
}
