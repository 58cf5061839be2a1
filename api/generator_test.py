"""Tests of the generator: a small interface's golden files, and words about wrong descriptions.

After a wanted change of what is made: python3 -m generator.golden --update, then read the
difference.
"""

import pathlib
import random
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from generator import golden, handles, resolve, schema, tables  # noqa: E402
from generator.__main__ import files_of, main  # noqa: E402


def types_of(text):
    """The types of a description, checked."""
    types = schema.Parser(text, "x.vmodl").parse()
    schema.check(types)
    return types


class GoldenTest(unittest.TestCase):
    maxDiff = None

    def test_what_is_made_of_the_small_interface(self):
        found = golden.differences()
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_every_file_has_its_golden(self):
        expected = {path.name for path in golden.EXPECTED.iterdir()}
        self.assertEqual(expected, {name + golden.SUFFIX for name in golden.made()})

    def test_the_order_of_files_and_declarations_changes_nothing(self):
        text = (golden.TESTDATA / "small.vmodl").read_text(encoding="utf-8")
        parts = text[text.index("enum PowerState"):].split("\n\n")
        random.Random(4).shuffle(parts)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "deep").mkdir()
            (folder / "b.vmodl").write_text("\n\n".join(parts[:3]), encoding="utf-8")
            (folder / "deep" / "a.vmodl").write_text("\n\n".join(parts[3:]), encoding="utf-8")
            made = golden.made(folder)
        self.assertEqual(made, golden.made())

    def test_files_that_stay_the_same_are_not_written(self):
        with tempfile.TemporaryDirectory() as folder:
            arguments = (golden.TESTDATA, golden.TESTDATA / "small_handles.txt", folder)
            main(*arguments)
            file = pathlib.Path(folder) / "types.hpp"
            before = file.stat().st_mtime_ns
            main(*arguments)
            self.assertEqual(file.stat().st_mtime_ns, before)
            self.assertTrue((pathlib.Path(folder) / "stamp").exists())


class ParserTest(unittest.TestCase):
    def message(self, text):
        with self.assertRaises(schema.SchemaError) as caught:
            types_of(text)
        return str(caught.exception)

    def test_members(self):
        item = types_of("data A {\n  a?: int[] since 6.0\n  b: key<A>\n  c: string secret\n"
                        "  d: M& requires X.Y\n}\nmanaged M : ManagedObject {}")[0]
        a, b, c, d = item.members
        self.assertEqual((a.optional, a.type.array, a.since), (True, True, "6.0"))
        self.assertEqual((b.type.name, b.type.key_of), ("string", "A"))
        self.assertTrue(c.secret)
        self.assertEqual((d.type.reference, d.privilege), (True, "X.Y"))

    def test_methods(self):
        item = types_of("managed Task : ManagedObject {}\ndata F {}\n"
                        "managed M : ManagedObject { Go(a: int, b?: M&) -> Task<M&> since 6.0\n"
                        "requires X throws F  Two() -> Task& Three() -> int[]? }")[2]
        go, two, three = item.methods
        self.assertEqual([p.name for p in go.params], ["a", "b"])
        self.assertEqual((go.result.name, go.task_result.name), ("Task", "M"))
        self.assertEqual((go.since, go.privilege, go.faults), ("6.0", "X", ["F"]))
        self.assertEqual((two.result.name, two.task_result), ("Task", None))
        self.assertTrue(three.result_optional and three.result.array)

    def test_errors_name_the_line(self):
        for text, expected in {
                "data A {\n\n  a int\n}": "x.vmodl:3: expected ':', found 'int'",
                "data A\n  a: int }": "x.vmodl:2: expected '{', found 'a'",
                "# one\nclass A {}": "x.vmodl:2: expected 'enum, data or managed', found 'class'",
                "data A {\n  a: int;\n}": "x.vmodl:2: unexpected ';'",
                "managed A : ManagedObject {\n  F(a: int b: int) -> void\n}":
                    "x.vmodl:2: expected ',', found 'b'",
                "managed A : ManagedObject {\n  F()\n}": "x.vmodl:3: expected '->', found '}'",
                "data A {\n  a: int[\n}": "x.vmodl:3: expected ']', found '}'",
                "data A {\n  a: key<B\n}": "x.vmodl:3: expected '>', found '}'"}.items():
            self.assertEqual(self.message(text), expected)

    def test_a_description_that_is_cut_short(self):
        text = (golden.TESTDATA / "small.vmodl").read_text(encoding="utf-8")
        for end in range(len(text)):
            try:
                types_of(text[:end])
            except schema.SchemaError:
                pass  # anything else is a bug of the parser

    def test_check(self):
        managed = "managed M : ManagedObject "
        for text, expected in {
                "data A {} enum A {}": "A is declared twice",
                "data int {}": "int is declared twice",
                "data A { a: B }": "A.a: no type B",
                "data A : B {}": "A: no base B",
                "enum E { x } data A : E {}": "A: no base E",
                "data A : B {} data B : A {}": "A derives from itself",
                "data A { a: int a: int }": "A: a is declared twice",
                "enum E { x x }": "E: x is declared twice",
                "data A { a: B& } data B {}": "A.a: B and '&' don't go together",
                "data A { a: M }" + managed + "{}": "A.a: M and '&' don't go together",
                managed + "{ F() -> A }": "M.F: no type A",
                managed + "{ F(a: A) -> void }": "M.F(a): no type A",
                managed + "{ F(a: int, a: int) -> void }": "M.F: a is declared twice",
                managed + "{ F() -> void throws A }": "M.F: no type A",
                managed + "{ F() -> void } managed N : M { F() -> void }":
                    "method F is declared by two managed objects"}.items():
            self.assertEqual(self.message(text), expected)


class ResolveTest(unittest.TestCase):
    def test_releases_sort_as_they_came(self):
        order = ["", "2.0", "2.5", "2.5u2", "2.5u2server", "4.0", "4.0u1", "4.1", "5.0", "5.1",
                 "5.5", "6.0", "6.5", "6.7", "6.7.1", "6.7.3", "6.9.1", "7.0", "7.0.1.0", "8.0.0.1",
                 "8.0.3.0", "9.0.0.0", "10.0"]
        mixed = order[:]
        random.Random(1).shuffle(mixed)
        self.assertEqual(sorted(mixed, key=schema.version_key), order)

    def test_inherited_members_come_first_and_numbers_are_dense(self):
        resolved = resolve.resolve(types_of(
            "data C : B { c: int } data A { a: int } data B : A { b: int }"))
        members = resolve.all_members(resolved, resolved.types["C"])
        self.assertEqual([m.name for m, _ in members], ["a", "b", "c"])
        self.assertEqual([resolved.ids[name] for name, _, _ in resolved.ordered],
                         list(range(len(resolved.ordered))))
        self.assertEqual(resolved.ordered[0][0], "none")

    def test_names_that_are_words_of_cpp(self):
        self.assertEqual(handles.identifier("default"), "default_")
        self.assertEqual(handles.identifier("64bit"), "_64bit")
        self.assertEqual(handles.identifier("a-b.c"), "a_b_c")

    def test_a_listed_type_that_is_not_there(self):
        resolved = resolve.resolve(types_of("data A {}"))
        with self.assertRaises(SystemExit) as caught:
            handles.Handles(resolved, ["A", "Nothing"])
        self.assertIn("Nothing", str(caught.exception))


class WholeInterfaceTest(unittest.TestCase):
    """The description itself, as the product has it."""

    def test_it_holds_together(self):
        top = pathlib.Path(__file__).resolve().parent
        types = schema.load(top / "schema")
        self.assertGreater(len(types), 3000)
        resolved = resolve.resolve(types)
        self.assertLess(len(resolved.ordered), 1 << 16, "TypeId has 16 bits")
        made = tables.Tables(resolved)
        self.assertLess(len(resolved.privileges), 1 << 16)
        self.assertEqual(len(made.types), len(resolved.ordered))


if __name__ == "__main__":
    unittest.main()
