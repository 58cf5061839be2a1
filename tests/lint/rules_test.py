"""The linter's own test: each rule finds what it is for, and nothing else."""

import pathlib
import sys
import tempfile
import subprocess
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rules  # noqa: E402


def found(path, text):
    return [f"{line}: {what}" for _, line, what in rules.check_source(rules.Source(path, text))]


def function(name, lines):
    """A function of so many lines."""
    return f"void {name}() {{\n" + "    step();\n" * (lines - 2) + "}\n"


class RulesTest(unittest.TestCase):
    def only(self, path, text, line, part):
        findings = found(path, text)
        self.assertEqual(len(findings), 1, findings)
        self.assertTrue(findings[0].startswith(f"{line}: "), findings[0])
        self.assertIn(part, findings[0])

    def test_good_code_passes(self):
        self.assertEqual(found("src/base/a.hpp", "#pragma once\n\nint one();\n"), [])
        self.assertEqual(found("src/base/a.cpp", function("f", 70) * 11), [])

    def test_long_file(self):
        self.assertEqual(found("src/base/a.cpp", "int a;\n" * 800), [])
        self.only("src/base/a.cpp", "int a;\n" * 801, 1, "801 lines")

    def test_long_line(self):
        self.assertEqual(found("a.cpp", "x" * 100 + "\n"), [])
        self.only("a.cpp", "int a;\n" + "x" * 101 + "\n", 2, "101 columns")
        self.only("src/a/CMakeLists.txt", "x" * 101 + "\n", 1, "101 columns")
        self.assertEqual(found("docs/a.md", "x" * 300 + "\n"), [])
        self.assertEqual(found("api/handles.txt", "x" * 300 + "\n"), [])

    def test_tables_laid_out_by_hand(self):
        row = "    {" + "x" * 200 + "},\n"
        table = "    // clang-format off\n" + row * 3 + "    // clang-format on\n"
        self.assertEqual(found("a.cpp", table), [])
        self.only("a.cpp", table + row, 6, "207 columns")

    def test_columns_are_characters(self):
        self.assertEqual(found("a.cpp", "// " + "é" * 97 + "\n"), [])

    def test_blanks(self):
        self.only("a.cpp", "\tint a;\n", 1, "tab")
        self.only("a.cpp", "int a; \n", 1, "blanks")
        self.only("a.cpp", "int a;", 1, "no end")

    def test_forbidden_words(self):
        for word in rules.FORBIDDEN_WORDS:
            self.only("a.cpp", f"// {word}: later\n", 1, word)
            self.only("a.md", f"{word}\n", 1, word)
        self.assertEqual(found("a.cpp", 'auto name = "drover-' + "X" * 6 + '";\n'), [])

    def test_header_guard(self):
        self.only("a.hpp", "int one();\n", 1, "#pragma once")
        self.only("a.hpp", "// #pragma once\n", 1, "#pragma once")

    def test_third_party_headers(self):
        line = "#include <libvirt/libvirt.h>\n"
        self.assertEqual(found("src/hypervisor/libvirt/a.cpp", line), [])
        self.only("src/hypervisor/a.cpp", line, 1, "outside src/hypervisor/libvirt")
        self.only("src/hypervisor/libvirt_other/a.cpp", line, 1, "outside")
        self.only("src/host/a.cpp", "# include <boost/beast/http.hpp>\n", 1, "src/http")
        self.only("src/host/a.cpp", "#include <sqlite3.h>\n", 1, "src/store/sqlite")
        self.assertEqual(found("src/host/a.cpp", '#include "store/sqlite/open.hpp"\n'), [])

    def test_long_functions(self):
        self.only("a.cpp", "int a;\n\n" + function("f", 71), 3, "71 lines")
        method = "".join("    " + line + "\n" for line in function("f", 80).splitlines())
        self.only("a.hpp", "#pragma once\nclass A {\npublic:\n" + method + "};\n", 4, "80 lines")
        python = "def f():\n" + "    step()\n" * 70
        self.only("a.py", python, 1, "71 lines")
        self.assertEqual(found("a.py", "def f():\n" + "    step()\n" * 69), [])

    def test_head_counts(self):
        text = "A::A(int one,\n     int two)\n    : one_(one),\n      two_(two) {\n"
        self.only("a.cpp", text + "    step();\n" * 66 + "}\n", 1, "71 lines")

    def test_what_is_no_function(self):
        body = "    {1, f(2)},\n" * 90
        for head in ("const Row kRows[] = {", "class A : public B<C()> {", "namespace a {",
                     "enum class E {", "const std::map<int, int (*)()> kMap = {"):
            self.assertEqual(rules.functions(head + "\n" + body + "};\n"), [], head)

    def test_braces_in_literals_and_comments(self):
        text = 'void f() {\n    g("}");  // }\n    h(R"(\n}\n)");\n    i(\'}\');\n}\n'
        self.assertEqual([(first, last) for first, last, _ in rules.functions(text)], [(1, 7)])

    def test_two_functions_are_not_one(self):
        text = function("f", 50) + "\n" + function("g", 50)
        self.assertEqual([(first, last) for first, last, _ in rules.functions(text)],
                         [(1, 50), (52, 101)])

    def test_directories(self):
        good = ["src/a/README.md", "src/a/a.cpp", "src/a/deep/a_test.cpp", "bin/main.cpp"]
        self.assertEqual(list(rules.check_tree(good)), [])
        missing = [what for _, _, what in rules.check_tree(["src/a/a.cpp"])]
        self.assertEqual(len(missing), 2)

    def test_whole_run(self):
        with tempfile.TemporaryDirectory() as top:
            top = pathlib.Path(top)
            subprocess.run(["git", "init", "-q", str(top)], check=True)
            (top / "new.cpp").write_text("\tint a;\n", encoding="utf-8")
            (top / "image.png").write_bytes(b"\x89PNG\xff\xfe")
            self.assertEqual(rules.main(top, []), 1)
            self.assertEqual(rules.main(top, ["src/"]), 0)
            (top / "new.cpp").write_text("int a;\n", encoding="utf-8")
            self.assertEqual(rules.main(top, []), 0)


if __name__ == "__main__":
    unittest.main()
