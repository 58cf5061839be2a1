"""python3 -m generator.golden [--update]: compares what is made of testdata/, or takes it over."""

import difflib
import pathlib
import sys

from . import schema, wsdl
from .__main__ import files_of
from .resolve import resolve

TESTDATA = pathlib.Path(__file__).resolve().parent.parent / "testdata"
EXPECTED = TESTDATA / "expected"
# So that nothing takes them for sources.
SUFFIX = ".golden"


def made(directory=TESTDATA):
    """File name -> text, of the small interface; what the product compresses stands as text."""
    files = files_of(directory, TESTDATA / "small_handles.txt")
    del files["service_description_data.cpp"]
    return files | wsdl.Description(resolve(schema.load(directory))).files()


def differences():
    """A unified diff for each file that is not as expected."""
    found = []
    for name, text in made().items():
        path = EXPECTED / (name + SUFFIX)
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != expected:
            found.append("".join(difflib.unified_diff(
                expected.splitlines(True), text.splitlines(True), f"expected/{name}", "made")))
    return found


def main(update):
    if update:
        EXPECTED.mkdir(exist_ok=True)
        for name, text in made().items():
            (EXPECTED / (name + SUFFIX)).write_text(text, encoding="utf-8")
        return 0
    found = differences()
    print("\n".join(found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main("--update" in sys.argv[1:]))
