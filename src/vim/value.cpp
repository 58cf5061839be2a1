#include "vim/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "base/check.hpp"

namespace drover::vim {
namespace detail {

constexpr std::uint8_t kStringTag = 0;
constexpr std::uint8_t kObjectTag = 1;
constexpr std::uint8_t kArrayTag = 2;
constexpr std::uint8_t kGrowingTag = 3;

static_assert(sizeof(SharedObject) % alignof(Value) == 0);

struct OwningArray : SharedArray {
    OwningArray(TypeId element_type, std::vector<Value> its_values)
        : SharedArray(kArrayTag, element_type), values(std::move(its_values)) {
        elements = values;
    }
    std::vector<Value> values;
};

// Elements of several arrays that begin alike. It never reallocates, so an append behind what the
// others see does not disturb their readers. Whoever raises `used` may append.
struct Buffer {
    explicit Buffer(std::size_t capacity) { values.reserve(capacity); }
    std::vector<Value> values;
    std::atomic<std::size_t> used = 0;
};

struct GrowingArray : SharedArray {
    GrowingArray(TypeId element_type, std::shared_ptr<Buffer> its_buffer, std::size_t count)
        : SharedArray(kGrowingTag, element_type), buffer(std::move(its_buffer)) {
        elements = {buffer->values.data(), count};
    }
    std::shared_ptr<Buffer> buffer;
};

namespace {

void destroy(const Shared* shared) noexcept {
    switch (shared->tag) {
        case kStringTag:
            ::operator delete(const_cast<Shared*>(shared));
            return;
        case kObjectTag: {
            auto* object = static_cast<SharedObject*>(const_cast<Shared*>(shared));
            std::destroy_n(object->slots(), object->count);
            ::operator delete(object);
            return;
        }
        case kGrowingTag:
            delete static_cast<const GrowingArray*>(shared);
            return;
        default:
            delete static_cast<const OwningArray*>(shared);
    }
}

SharedObject* new_object(TypeId type, std::uint16_t count) {
    void* memory = ::operator new(sizeof(SharedObject) + count * sizeof(Value));
    auto* object = new (memory) SharedObject(kObjectTag, type, count);
    std::uninitialized_default_construct_n(object->slots(), count);
    return object;
}

}  // namespace

void retain(const Shared* shared) noexcept {
    std::atomic_ref(shared->references).fetch_add(1, std::memory_order_relaxed);
}

void release(const Shared* shared) noexcept {
    std::atomic_ref references(shared->references);
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(shared);
}

bool is_unique(const Shared* shared) noexcept {
    return std::atomic_ref(shared->references).load(std::memory_order_acquire) == 1;
}

}  // namespace detail

using detail::SharedArray;
using detail::SharedObject;
using detail::SharedString;

static_assert(sizeof(Value) == 16);

Value Value::boolean(bool value) {
    Value made;
    made.header_.kind = ValueKind::boolean;
    made.payload_.integer = value ? 1 : 0;
    return made;
}

Value Value::byte_(std::int8_t value) {
    Value made = long_(value);
    made.header_.kind = ValueKind::byte_;
    return made;
}

Value Value::short_(std::int16_t value) {
    Value made = long_(value);
    made.header_.kind = ValueKind::short_;
    return made;
}

Value Value::int_(std::int32_t value) {
    Value made = long_(value);
    made.header_.kind = ValueKind::int_;
    return made;
}

Value Value::long_(std::int64_t value) {
    Value made;
    made.header_.kind = ValueKind::long_;
    made.payload_.integer = value;
    return made;
}

Value Value::float_(float value) {
    Value made = double_(static_cast<double>(value));
    made.header_.kind = ValueKind::float_;
    return made;
}

Value Value::double_(double value) {
    Value made;
    made.header_.kind = ValueKind::double_;
    made.payload_.real = value;
    return made;
}

Value Value::make_shared(ValueKind kind, const detail::Shared* shared) {
    Value made;
    made.header_.kind = kind;
    made.payload_.shared = shared;
    return made;
}

Value Value::make_text(ValueKind kind, std::string_view text) {
    void* memory = ::operator new(sizeof(SharedString) + text.size());
    auto* shared = new (memory) SharedString(detail::kStringTag, text.size());
    if (!text.empty()) std::memcpy(shared->text(), text.data(), text.size());
    return make_shared(kind, shared);
}

Value Value::string(std::string_view text) {
    return make_text(ValueKind::string, text);
}

Value Value::date_time(base::WallTime time) {
    Value made = long_(time.time_since_epoch().count());
    made.header_.kind = ValueKind::date_time;
    return made;
}

Value Value::binary(std::string_view bytes) {
    return make_text(ValueKind::binary, bytes);
}

Value Value::enumeration(TypeId type, std::uint16_t index) {
    DROVER_CHECK(describe(type).kind == TypeKind::enumeration);
    DROVER_CHECK(index < describe(type).value_count());
    Value made = long_(index);
    made.header_ = {ValueKind::enumeration, type, index};
    return made;
}

Value Value::moref(const MoRef& reference) {
    return moref(reference.type, reference.id);
}

Value Value::moref(TypeId type, std::string_view id) {
    Value made = make_text(ValueKind::moref, id);
    made.header_.type = type;
    return made;
}

Value Value::array(TypeId element, std::vector<Value> elements) {
    return make_shared(ValueKind::array, new detail::OwningArray(element, std::move(elements)));
}

Value Value::make_growing(TypeId element, std::shared_ptr<detail::Buffer> buffer,
                          std::size_t count) {
    return make_shared(ValueKind::array,
                       new detail::GrowingArray(element, std::move(buffer), count));
}

Value Value::appended(const Value& array, Value element) {
    const auto old = array.elements();
    const auto* shared = static_cast<const SharedArray*>(array.payload_.shared);
    if (shared->tag == detail::kGrowingTag) {
        const auto& buffer = static_cast<const detail::GrowingArray*>(shared)->buffer;
        std::size_t used = old.size();
        if (used < buffer->values.capacity() &&
            buffer->used.compare_exchange_strong(used, old.size() + 1)) {
            buffer->values.push_back(std::move(element));
            return make_growing(shared->element, buffer, old.size() + 1);
        }
    }
    constexpr std::size_t smallest = 8;
    auto buffer = std::make_shared<detail::Buffer>(std::max(smallest, old.size() * 2));
    buffer->values.assign(old.begin(), old.end());
    buffer->values.push_back(std::move(element));
    buffer->used = buffer->values.size();
    return make_growing(shared->element, std::move(buffer), old.size() + 1);
}

Value make_object(TypeId type) {
    const TypeDescriptor& descriptor = describe(type);
    DROVER_CHECK(descriptor.kind == TypeKind::data || descriptor.kind == TypeKind::request);
    return Value::make_shared(ValueKind::object, detail::new_object(type, descriptor.member_count));
}

TypeId Value::type() const {
    switch (kind()) {
        case ValueKind::none:
            return TypeId::none;
        case ValueKind::boolean:
            return TypeId::boolean;
        case ValueKind::byte_:
            return TypeId::byte_;
        case ValueKind::short_:
            return TypeId::short_;
        case ValueKind::int_:
            return TypeId::int_;
        case ValueKind::long_:
            return TypeId::long_;
        case ValueKind::float_:
            return TypeId::float_;
        case ValueKind::double_:
            return TypeId::double_;
        case ValueKind::string:
            return TypeId::string;
        case ValueKind::date_time:
            return TypeId::dateTime;
        case ValueKind::binary:
            return TypeId::binary;
        case ValueKind::enumeration:
            return header_.type;
        case ValueKind::moref:
            return TypeId::ManagedObject;
        case ValueKind::object:
            return static_cast<const SharedObject*>(payload_.shared)->type;
        case ValueKind::array:
            return static_cast<const SharedArray*>(payload_.shared)->element;
    }
    return TypeId::none;
}

std::int64_t Value::as_integer() const {
    DROVER_CHECK((kind() >= ValueKind::byte_ && kind() <= ValueKind::long_) ||
                 kind() == ValueKind::enumeration);
    return payload_.integer;
}

double Value::as_double() const {
    DROVER_CHECK(kind() == ValueKind::float_ || kind() == ValueKind::double_);
    return payload_.real;
}

std::string_view Value::enumeration_name() const {
    return describe(header_.type).value_name(header_.index);
}

base::WallTime Value::as_time() const {
    DROVER_CHECK(kind() == ValueKind::date_time);
    return base::WallTime{std::chrono::microseconds{payload_.integer}};
}

MoRef Value::as_moref() const {
    return {moref_type(), std::string(moref_id())};
}

const Value& Value::property(std::string_view name) const {
    static const Value unset{};
    const auto index = describe(type()).find_property(name);
    return index ? slots()[*index] : unset;
}

void Value::set_slot(std::size_t index, Value value) {
    DROVER_CHECK(kind() == ValueKind::object);
    const auto* object = static_cast<const SharedObject*>(payload_.shared);
    DROVER_CHECK(index < object->count);
    if (!detail::is_unique(object)) {
        SharedObject* copy = detail::new_object(object->type, object->count);
        std::copy_n(object->slots(), object->count, copy->slots());
        *this = make_shared(ValueKind::object, copy);
        object = copy;
    }
    const_cast<SharedObject*>(object)->slots()[index] = std::move(value);
}

bool operator==(const Value& left, const Value& right) {
    if (left.kind() != right.kind()) return false;
    if (left.is_shared() && left.payload_.shared == right.payload_.shared &&
        left.header_.type == right.header_.type) {
        return true;
    }
    switch (left.kind()) {
        case ValueKind::none:
            return true;
        case ValueKind::float_:
        case ValueKind::double_:
            return left.payload_.real == right.payload_.real;
        case ValueKind::string:
        case ValueKind::binary:
            return left.as_string() == right.as_string();
        case ValueKind::moref:
            return left.header_.type == right.header_.type && left.moref_id() == right.moref_id();
        case ValueKind::enumeration:
            return left.header_.type == right.header_.type &&
                   left.header_.index == right.header_.index;
        case ValueKind::object:
            return left.type() == right.type() && std::ranges::equal(left.slots(), right.slots());
        case ValueKind::array:
            return left.type() == right.type() &&
                   std::ranges::equal(left.elements(), right.elements());
        default:
            return left.payload_.integer == right.payload_.integer;
    }
}

namespace {

void dump(const Value& value, std::string& out, int depth) {
    const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
    switch (value.kind()) {
        case ValueKind::none:
            out += "unset";
            return;
        case ValueKind::boolean:
            out += value.as_boolean() ? "true" : "false";
            return;
        case ValueKind::float_:
        case ValueKind::double_:
            out += fmt::format("{}", value.as_double());
            return;
        case ValueKind::string:
            out += fmt::format("\"{}\"", value.as_string());
            return;
        case ValueKind::binary:
            out += fmt::format("{} bytes", value.as_string().size());
            return;
        case ValueKind::date_time:
            out += base::format_time(value.as_time());
            return;
        case ValueKind::enumeration:
            out += value.as_string();
            return;
        case ValueKind::moref:
            out += fmt::format("{}:{}", describe(value.moref_type()).name(), value.moref_id());
            return;
        case ValueKind::object: {
            const auto& descriptor = describe(value.type());
            out += fmt::format("{} {{\n", descriptor.name());
            for (std::size_t i = 0; i < value.slots().size(); ++i) {
                if (!value.slots()[i]) continue;
                const PropertyDescriptor& property = descriptor.properties()[i];
                out += fmt::format("{}  {}: ", indent, property.name());
                if (property.secret()) {
                    out += "***";
                } else {
                    dump(value.slots()[i], out, depth + 1);
                }
                out += '\n';
            }
            out += indent + "}";
            return;
        }
        case ValueKind::array:
            out += '[';
            for (const Value& element : value.elements()) {
                out += '\n' + indent + "  ";
                dump(element, out, depth + 1);
            }
            out += ']';
            return;
        default:
            out += fmt::format("{}", value.as_integer());
            return;
    }
}

}  // namespace

std::string to_debug_string(const Value& value) {
    std::string out;
    dump(value, out, 0);
    return out;
}

}  // namespace drover::vim
