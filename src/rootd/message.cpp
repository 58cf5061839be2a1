#include "rootd/message.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace drover::rootd {
namespace {

using Json = nlohmann::json;

// Takes the parser's events and stops at the first that isn't {"key": "string", ...}. Because it
// stops, a message can't make the parser build deep or large values.
class FlatReader final : public Json::json_sax_t {
public:
    Message message;
    std::string error;

    bool null() override { return refuse("null"); }
    bool boolean(bool) override { return refuse("a boolean"); }
    bool number_integer(number_integer_t) override { return refuse("a number"); }
    bool number_unsigned(number_unsigned_t) override { return refuse("a number"); }
    bool number_float(number_float_t, const string_t&) override { return refuse("a number"); }
    bool binary(binary_t&) override { return refuse("binary data"); }
    bool start_array(std::size_t) override { return refuse("an array"); }
    bool end_array() override { return refuse("an array"); }

    bool start_object(std::size_t) override {
        if (inside_) return refuse("an object");
        return inside_ = true;
    }
    bool end_object() override { return true; }

    bool key(string_t& name) override {
        key_ = name;
        if (message.contains(key_)) return fail(fmt::format("field '{}' is there twice", key_));
        if (message.size() >= kMaxFields) return fail("too many fields");
        return true;
    }

    bool string(string_t& value) override {
        if (!inside_) return refuse("a string");
        if (value.find('\0') != std::string::npos) {
            return fail(fmt::format("field '{}' contains a NUL", key_));
        }
        message.emplace(key_, std::move(value));
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
        return fail(fmt::format("not JSON at byte {}", position));
    }

private:
    bool fail(std::string reason) {
        if (error.empty()) error = std::move(reason);
        return false;
    }
    bool refuse(const char* what) {
        return fail(inside_ ? fmt::format("field '{}' is {}, not a string", key_, what)
                            : fmt::format("message is {}, not an object", what));
    }

    bool inside_ = false;
    std::string key_;
};

}  // namespace

std::expected<Message, std::string> parse_message(std::string_view text) {
    if (text.size() > kMaxMessageBytes) {
        return std::unexpected(fmt::format("message is longer than {} bytes", kMaxMessageBytes));
    }
    FlatReader reader;
    if (!Json::sax_parse(text, &reader)) {
        return std::unexpected(reader.error.empty() ? "not JSON" : reader.error);
    }
    return std::move(reader.message);
}

std::string format_message(const Message& message) {
    return Json(message).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace drover::rootd
