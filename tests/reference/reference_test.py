#!/usr/bin/python3
"""Are the pages of docs/reference what the programs serve?

    reference_test.py [--write] HOST_SERVED_API CENTER_SERVED_API
"""

import difflib
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "api"))
from generator import reference, resolve, schema  # noqa: E402

PAGES = {"api.md": reference.HOST, "center-api.md": reference.CENTER}


def made(program, head):
    served = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True,
                            timeout=50).stdout
    resolved = resolve.resolve(schema.load(TOP / "api" / "schema"))
    return reference.page(resolved, reference.read_served(served.splitlines()), head)


def main(arguments):
    status = 0
    for (name, head), program in zip(PAGES.items(), arguments[-len(PAGES):]):
        path = TOP / "docs" / "reference" / name
        text = made(program, head)
        if "--write" in arguments:
            path.write_text(text, encoding="utf-8")
            continue
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True),
                                                   f"docs/reference/{name}", "served"))
        if old != text:
            print("\nThe page is old: run `make docs`.")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
