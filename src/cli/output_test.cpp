#include "cli/output.hpp"

#include <gtest/gtest.h>

#include "cli/text.hpp"

namespace drover::cli {
namespace {

Table sample() {
    Table table({{"name", "NAME"}, {"id", ""}, {"memory_bytes", "MEMORY"}, {"notes", "NOTES"}});
    table.add({text_cell("web10"), text_cell("vm-2"), bytes_cell(3LL << 29), text_cell("")});
    table.add({text_cell("web2"), text_cell("vm-1"), bytes_cell(512LL << 20), text_cell("first")});
    return table;
}

TEST(TableText, AlignsAndSortsAsPeopleDo) {
    Table table = sample();
    table.sort_by(0);
    EXPECT_EQ(render_text(table, 0),
              "NAME    MEMORY  NOTES\n"
              "web2   512 MiB  first\n"
              "web10  1.5 GiB  -\n");
}

TEST(TableText, FitsTheTerminal) {
    Table table({{"a", "A"}, {"b", "B"}});
    table.add({text_cell(std::string(100, 'x')), text_cell("short")});
    const std::string text = render_text(table, 40);
    std::size_t begin = 0;
    while (begin < text.size()) {
        const auto end = text.find('\n', begin);
        EXPECT_LE(display_width(std::string_view(text).substr(begin, end - begin)), 40u);
        begin = end + 1;
    }
    EXPECT_NE(text.find("…  short"), std::string::npos);
}

TEST(TableText, CountsColumnsNotBytes) {
    Table table({{"a", "A"}, {"b", "B"}});
    table.add({text_cell("größe"), text_cell("x")});
    table.add({text_cell("機械"), text_cell("y")});
    EXPECT_EQ(render_text(table, 0), "A      B\ngröße  x\n機械   y\n");
}

TEST(TableText, ShowsNoControlCharacters) {
    Table table({{"a", "A"}});
    table.add({text_cell("x\033[2Jy\nz\xff\xe2\x80\xae")});
    EXPECT_EQ(render_text(table, 0), "A\nx?[2Jy?z??\n");
}

TEST(TableJson, HasAllKeysAndPlainValues) {
    EXPECT_EQ(render_json(sample()), R"([
  {
    "name": "web10",
    "id": "vm-2",
    "memory_bytes": 1610612736,
    "notes": null
  },
  {
    "name": "web2",
    "id": "vm-1",
    "memory_bytes": 536870912,
    "notes": "first"
  }
]
)");
    EXPECT_EQ(render_json(Table({{"name", "NAME"}})), "[]\n");
}

TEST(ReportJson, NestsTables) {
    Report report;
    report.add("name", "Name", text_cell("a\"b\xff"));
    report.add("hidden", "", yes_no_cell(true));
    Table disks({{"label", "DISK"}});
    disks.add({list_cell({"x", "y"})});
    report.add("disks", "Disks", std::move(disks));
    EXPECT_EQ(render_json(report),
              "{\n  \"name\": \"a\\\"b\xEF\xBF\xBD\",\n  \"hidden\": true,\n"
              "  \"disks\": [\n    {\n      \"label\": [\n        \"x\",\n"
              "        \"y\"\n      ]\n    }\n  ]\n}\n");
    EXPECT_EQ(render_text(report, 0), "Name  a\"b?\n\nDisks\nDISK\nx, y\n");
}

TEST(Cells, SayUnits) {
    EXPECT_EQ(bytes_cell(0).text, "0 B");
    EXPECT_EQ(bytes_cell(1023).text, "1023 B");
    EXPECT_EQ(bytes_cell(10LL << 30).text, "10 GiB");
    EXPECT_EQ(seconds_cell(59).text, "59 s");
    EXPECT_EQ(seconds_cell(90061).text, "1 d 1 h");
    EXPECT_EQ(number_cell(std::nullopt).text, "-");
    EXPECT_EQ(percent_cell(42).text, "42 %");
    const auto time = base::parse_time("2026-01-31T12:00:01Z");
    ASSERT_TRUE(time);
    EXPECT_EQ(time_cell(time).text, "2026-01-31 12:00:01");
}

}  // namespace
}  // namespace drover::cli
