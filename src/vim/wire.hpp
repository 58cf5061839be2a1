#pragma once

// What the SOAP and the JSON encoding have in common: names of types on the wire, gating by
// release, lexical forms, and how a refusal names its place. Private to this directory.

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "vim/value.hpp"

namespace drover::vim::wire {

/// Whom we read from. A client's mistakes are refused; a server may be newer than we are, and what
/// it has to say may be long.
enum class Peer : std::uint8_t { client, server };

// What comes in is bound, in either encoding: how deep it is nested, and of how many elements it is
// made. The number of bytes is bound by whoever received them.
inline constexpr int kMaxDepth = 64;
constexpr std::size_t max_nodes(Peer peer) {
    return peer == Peer::client ? 1'000'000 : 16'000'000;
}

/// U+FFFD stands for what an encoding can't carry.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// ---- Output ----

/// Text under construction. Faster than std::string::append for the many short pieces of a
/// document, and it ends as a std::string without a copy.
class Buffer {
public:
    explicit Buffer(std::size_t expected_bytes = 4096) { grow(expected_bytes); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    /// Room for `bytes` more; then advance() by what was written.
    char* reserve(std::size_t bytes) {
        if (static_cast<std::size_t>(end_ - at_) < bytes) [[unlikely]]
            grow(bytes);
        return at_;
    }
    void advance(char* to) { at_ = to; }
    void put(char c) {
        reserve(1);
        *at_++ = c;
    }
    void put(std::string_view text) {
        if (text.empty()) return;
        reserve(text.size());
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }
    std::size_t size() const { return static_cast<std::size_t>(at_ - text_.data()); }
    /// What was written, and a new beginning in the same memory.
    std::string_view text() const { return {text_.data(), size()}; }
    void clear() { at_ = text_.data(); }
    std::string take() {
        text_.resize(size());
        return std::move(text_);
    }

private:
    void grow(std::size_t bytes);
    std::string text_;
    char* at_ = nullptr;
    char* end_ = nullptr;
};

void put_integer(Buffer& out, std::int64_t value);
/// The shortest decimal text that reads back as the same number. `value` is finite.
void put_real(Buffer& out, double value, bool is_float);
void put_time(Buffer& out, base::WallTime time);
void put_base64(Buffer& out, std::string_view bytes);

/// The length of the valid UTF-8 sequence at the front of `text`, 0 if there is none.
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);

// ---- Names and gating ----

enum class Encoding : std::uint8_t { soap, json };

/// "int", "base64Binary" (JSON: "binary"), ...: the name of a primitive.
std::string_view primitive_name(TypeId type, Encoding encoding);
/// "ArrayOfInt", "ArrayOfManagedObjectReference", "ArrayOfVirtualDevice"
void put_array_name(Buffer& out, TypeId element, Encoding encoding);

/// What a type name stands for.
struct NamedType {
    TypeId type = TypeId::none;  ///< ManagedObject for references; none: unknown
    bool array = false;          ///< then `type` is the element's
};
/// `name` is a local name ("int", "VirtualDisk", "ArrayOfString", "ManagedObjectReference", ...).
NamedType resolve_type_name(std::string_view name);

/// False if nothing can stand for `value` where `declared` is expected when speaking `release`.
bool is_known(const Value& value, TypeId declared, Release release);

/// The element type that an array in an anyType has for `release`.
TypeId known_element(TypeId element, Release release);

/// What stands in an array for a `value` that the release does not know completely: an object whose
/// required anyType property can't be sent is of no use and is left out as a whole.
bool is_usable(const Value& value, TypeId declared, Release release);

/// Stops the process unless `value` may stand where `declared` is expected: only a programmer's
/// error leads there, decoded values have been checked.
void check_fits(const Value& value, TypeId declared);

// ---- Input ----

/// Where in a document the reader is; a chain on the stack, made into text only for a refusal.
struct Place {
    const Place* outer = nullptr;
    std::string_view name;
    std::ptrdiff_t index = -1;  ///< in an array
};
/// "spec.deviceChange[0].device"; empty for the document itself.
std::string to_path(const Place* place);

/// Throws InvalidRequest for a client, SystemError for a server.
[[noreturn]] void refuse(Peer peer, const Place* place, std::string_view reason);
/// Throws InvalidType (an InvalidRequest) for a client, SystemError for a server.
[[noreturn]] void refuse_type(Peer peer, const Place* place, std::string_view reason);
/// Throws InvalidArgument for a client; a server's is dropped, and this does not throw.
void refuse_enumeration(Peer peer, const Place* place, TypeId type, std::string_view value);
/// Throws InvalidRequest for the first required property that `object` lacks. Those that came
/// later than the object's type are not demanded: an older client can't know them.
void check_required(const Value& object, const Place* place);

/// The value of a primitive's text as XML Schema spells it; empty if it is none.
std::optional<Value> parse_primitive(TypeId type, std::string_view text);
std::optional<std::string> parse_base64(std::string_view text);

/// Finds properties of one type by name; cheap when they come in the schema's order.
class PropertyFinder {
public:
    explicit PropertyFinder(TypeId type) : properties_(describe(type).properties()) {}
    std::optional<std::size_t> find(std::string_view name);

private:
    std::span<const PropertyDescriptor> properties_;
    std::size_t next_ = 0;
};

}  // namespace drover::vim::wire
