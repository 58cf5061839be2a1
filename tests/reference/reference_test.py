#!/usr/bin/python3
"""Is docs/reference/api.md what the program serves? reference_test.py [--write] HOST_SERVED_API"""

import difflib
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "api"))
from generator import reference, resolve, schema  # noqa: E402

PAGE = TOP / "docs" / "reference" / "api.md"


def made(program):
    served = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True,
                            timeout=50).stdout
    resolved = resolve.resolve(schema.load(TOP / "api" / "schema"))
    return reference.page(resolved, reference.read_served(served.splitlines()))


def main(arguments):
    text = made(arguments[-1])
    if "--write" in arguments:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True),
                                               "docs/reference/api.md", "served"))
    if old != text:
        print("\nThe page is old: run `make docs`.")
    return 0 if old == text else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
