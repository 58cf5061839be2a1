#pragma once

// What commands print: tables and reports, for people (aligned, fitted to the terminal) or as JSON
// with stable keys. A command builds either once; the two forms come from the same cells.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"

namespace drover::cli {

enum class Format { table, json };

/// One value in both forms. `text` may hold anything a server sent; it is cleaned when printed.
struct Cell {
    using Plain = std::variant<std::monostate, bool, std::int64_t, double, std::string,
                               std::vector<std::string>>;
    std::string text{};
    Plain plain{};  ///< for JSON; monostate is null
    bool right = false;
};

/// "-" and null.
Cell nothing();
Cell text_cell(std::string_view text);  ///< empty text is nothing()
Cell number_cell(std::optional<std::int64_t> number);
Cell bytes_cell(std::optional<std::int64_t> bytes);      ///< "1.5 GiB"; JSON: bytes
Cell mhz_cell(std::optional<std::int64_t> mhz);          ///< "2400 MHz"; JSON: MHz
Cell percent_cell(std::optional<std::int64_t> value);    ///< "42 %"
Cell seconds_cell(std::optional<std::int64_t> seconds);  ///< "3 d 4 h"; JSON: seconds
Cell yes_no_cell(std::optional<bool> value);
Cell time_cell(std::optional<base::WallTime> time);  ///< UTC, JSON: RFC 3339
Cell list_cell(std::vector<std::string> items);      ///< "a, b"; JSON: array

/// Rows under headings.
class Table {
public:
    struct Column {
        std::string key;      ///< in JSON
        std::string heading;  ///< for people; empty: only in JSON
    };
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    /// As many cells as columns.
    void add(std::vector<Cell> cells);
    const std::vector<Column>& columns() const { return columns_; }
    const std::vector<std::vector<Cell>>& rows() const { return rows_; }
    /// By the text of a column, as people sort: disk2 before disk10.
    void sort_by(std::size_t column);

private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

/// Facts about one thing, and tables that belong to it.
class Report {
public:
    struct Field {
        std::string key;
        std::string label;
        Cell cell;
    };
    struct Part {
        std::string key;
        std::string label;
        Table table;
    };
    void add(std::string_view key, std::string_view label, Cell cell);
    void add(std::string_view key, std::string_view label, Table table);
    const std::vector<Field>& fields() const { return fields_; }
    const std::vector<Part>& parts() const { return parts_; }

private:
    std::vector<Field> fields_;
    std::vector<Part> parts_;
};

/// `width` is the terminal's in columns; 0 stands for no limit. Every line ends with a line break.
std::string render_text(const Table& table, std::size_t width);
std::string render_text(const Report& report, std::size_t width);
std::string render_json(const Table& table);
std::string render_json(const Report& report);

}  // namespace drover::cli
