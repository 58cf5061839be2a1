#include "cli/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/check.hpp"
#include "cli/text.hpp"

namespace drover::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastColumn = 8;

Json json_of(const Cell& cell) {
    return std::visit(
        [](const auto& value) -> Json {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
                return nullptr;
            } else {
                return value;
            }
        },
        cell.plain);
}

Json json_of(const Table& table) {
    Json out = Json::array();
    for (const auto& row : table.rows()) {
        Json object = Json::object();
        for (std::size_t i = 0; i < row.size(); ++i) {
            object[table.columns()[i].key] = json_of(row[i]);
        }
        out.push_back(std::move(object));
    }
    return out;
}

std::string dump(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Widths that fit: while the line is too long, the widest column gives way.
std::vector<std::size_t> fitted_widths(std::vector<std::size_t> widths, std::size_t limit) {
    if (limit == 0 || widths.empty()) return widths;
    const std::size_t gaps = kGap * (widths.size() - 1);
    while (true) {
        std::size_t total = gaps;
        for (const auto width : widths) total += width;
        if (total <= limit) return widths;
        auto widest = std::ranges::max_element(widths);
        if (*widest <= kLeastColumn) return widths;
        const std::size_t excess = total - limit;
        std::size_t next = kLeastColumn;
        for (const auto width : widths) {
            if (width < *widest) next = std::max(next, width);
        }
        const std::size_t target = *widest > excess ? *widest - excess : 0;
        *widest = std::max({target, std::min(next, *widest - 1), kLeastColumn});
    }
}

void append_padded(std::string& line, const std::string& text, std::size_t width, bool right) {
    const std::size_t used = display_width(text);
    const std::string padding(width > used ? width - used : 0, ' ');
    line += right ? padding + text : text + padding;
}

void finish(std::string& out, std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
}

// Numbers inside of names count as numbers.
bool natural_less(std::string_view a, std::string_view b) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto take_number = [&](std::string_view& text) {
        std::size_t end = 0;
        while (end < text.size() && digit(text[end])) ++end;
        auto number = text.substr(0, end);
        text.remove_prefix(end);
        while (number.size() > 1 && number.front() == '0') number.remove_prefix(1);
        return number;
    };
    while (!a.empty() && !b.empty()) {
        if (digit(a.front()) && digit(b.front())) {
            const auto x = take_number(a);
            const auto y = take_number(b);
            if (x.size() != y.size()) return x.size() < y.size();
            if (x != y) return x < y;
        } else {
            if (a.front() != b.front()) return a.front() < b.front();
            a.remove_prefix(1);
            b.remove_prefix(1);
        }
    }
    return a.empty() && !b.empty();
}

}  // namespace

void Table::add(std::vector<Cell> cells) {
    DROVER_CHECK(cells.size() == columns_.size());
    rows_.push_back(std::move(cells));
}

void Table::sort_by(std::size_t column) {
    std::ranges::sort(rows_, [column](const auto& a, const auto& b) {
        return natural_less(a[column].text, b[column].text);
    });
}

void Report::add(std::string_view key, std::string_view label, Cell cell) {
    fields_.push_back({std::string(key), std::string(label), std::move(cell)});
}

void Report::add(std::string_view key, std::string_view label, Table table) {
    parts_.push_back({std::string(key), std::string(label), std::move(table)});
}

std::string render_text(const Table& table, std::size_t width) {
    std::vector<std::size_t> shown;
    for (std::size_t i = 0; i < table.columns().size(); ++i) {
        if (!table.columns()[i].heading.empty()) shown.push_back(i);
    }
    std::vector<std::size_t> widths;
    std::vector<bool> right;
    for (const auto i : shown) {
        std::size_t widest = display_width(table.columns()[i].heading);
        bool numbers = false;
        for (const auto& row : table.rows()) {
            widest = std::max(widest, display_width(printable(row[i].text)));
            numbers = numbers || row[i].right;
        }
        widths.push_back(widest);
        right.push_back(numbers);
    }
    widths = fitted_widths(std::move(widths), width);

    std::string out;
    const auto append_line = [&](const auto& text_at) {
        std::string line;
        for (std::size_t n = 0; n < shown.size(); ++n) {
            if (n > 0) line.append(kGap, ' ');
            append_padded(line, fitted(printable(text_at(shown[n])), widths[n]), widths[n],
                          right[n]);
        }
        finish(out, std::move(line));
    };
    append_line([&](std::size_t i) { return table.columns()[i].heading; });
    for (const auto& row : table.rows()) {
        append_line([&](std::size_t i) { return row[i].text; });
    }
    return out;
}

std::string render_text(const Report& report, std::size_t width) {
    std::size_t widest = 0;
    for (const auto& field : report.fields()) {
        widest = std::max(widest, display_width(field.label));
    }
    std::string out;
    for (const auto& field : report.fields()) {
        if (field.label.empty()) continue;
        std::string line;
        append_padded(line, field.label, widest + kGap, false);
        finish(out, line + printable(field.cell.text));
    }
    for (const auto& part : report.parts()) {
        if (part.label.empty() || part.table.rows().empty()) continue;
        out += "\n" + part.label + "\n" + render_text(part.table, width);
    }
    return out;
}

std::string render_json(const Table& table) {
    return dump(json_of(table));
}

std::string render_json(const Report& report) {
    Json out = Json::object();
    for (const auto& field : report.fields()) out[field.key] = json_of(field.cell);
    for (const auto& part : report.parts()) out[part.key] = json_of(part.table);
    return dump(out);
}

}  // namespace drover::cli
