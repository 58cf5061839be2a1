#include "http/headers.hpp"

#include <algorithm>
#include <stdexcept>

namespace drover::http {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool is_token_char(char c) {
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
    return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// Parameters of a list element: true if one of them is q=0 in any of its spellings.
bool has_zero_quality(std::string_view parameters) {
    while (!parameters.empty()) {
        const auto end = std::min(parameters.find(';'), parameters.size());
        const auto parameter = trim(parameters.substr(0, end));
        if (parameter.size() >= 3 && lower(parameter[0]) == 'q' && parameter[1] == '=' &&
            parameter.substr(2).find_first_not_of("0.") == std::string_view::npos)
            return true;
        parameters.remove_prefix(std::min(end + 1, parameters.size()));
    }
    return false;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

bool has_token(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        const auto element = list.substr(0, end);
        const auto name_end = std::min(element.find(';'), element.size());
        if (equals_ignoring_case(trim(element.substr(0, name_end)), token))
            return name_end == element.size() || !has_zero_quality(element.substr(name_end + 1));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

void Headers::add(std::string_view name, std::string_view value) {
    if (name.empty() || !std::ranges::all_of(name, is_token_char))
        throw std::invalid_argument("HTTP field name is not a token");
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
        throw std::invalid_argument("HTTP field value holds a line break or NUL");
    if (text_.size() + name.size() + value.size() > UINT32_MAX)
        throw std::invalid_argument("HTTP fields are too long");
    const Slot slot{static_cast<std::uint32_t>(text_.size()),
                    static_cast<std::uint32_t>(name.size()),
                    static_cast<std::uint32_t>(text_.size() + name.size()),
                    static_cast<std::uint32_t>(value.size())};
    if (text_.capacity() == text_.size() || fields_.empty()) {
        text_.reserve(std::max<std::size_t>(text_.capacity(), 512));
        fields_.reserve(std::max<std::size_t>(fields_.capacity(), 12));
    }
    text_.append(name).append(value);
    fields_.push_back(slot);
}

void Headers::set(std::string_view name, std::string_view value) {
    // Copies, because the views may point into our own text.
    const std::string kept_name(name);
    const std::string kept_value(value);
    remove(kept_name);
    add(kept_name, kept_value);
}

void Headers::remove(std::string_view name) {
    std::erase_if(fields_, [&](const Slot& slot) {
        return equals_ignoring_case(
            std::string_view(text_).substr(slot.name_offset, slot.name_length), name);
    });
}

void Headers::clear() {
    text_.clear();
    fields_.clear();
}

Headers::Field Headers::operator[](std::size_t index) const {
    const Slot& slot = fields_[index];
    const std::string_view text(text_);
    return {text.substr(slot.name_offset, slot.name_length),
            text.substr(slot.value_offset, slot.value_length)};
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        if (fields_[i].name_length != name.size()) continue;
        const Field field = (*this)[i];
        if (equals_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

std::vector<std::string_view> Headers::get_all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (std::size_t i = 0; i < fields_.size(); ++i)
        if (const Field field = (*this)[i]; equals_ignoring_case(field.name, name))
            values.push_back(field.value);
    return values;
}

void Headers::append_to(std::string& out) const {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        const Field field = (*this)[i];
        out.append(field.name).append(": ").append(field.value).append("\r\n");
    }
}

}  // namespace drover::http
