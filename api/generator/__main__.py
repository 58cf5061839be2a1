"""python3 -m generator SCHEMA HANDLES OUTPUT: makes the C++ of src/vim from the description."""

import pathlib
import sys

from . import handles, schema, tables, wsdl
from .resolve import resolve


def read_areas(path):
    """Area -> names; None: before the first line `area NAME`."""
    areas = {None: []}
    listed = areas[None]
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        words = line.split("#")[0].split()
        if words[:1] == ["area"]:
            listed = areas.setdefault(words[1], [])
        else:
            listed += words
    return areas


def write_if_changed(path, text):
    """Leaves the file's time alone when nothing changed, so that nothing is compiled again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def files_of(schema_directory, handles_file):
    """File name -> text of all that is made. Throws SchemaError."""
    resolved = resolve(schema.load(schema_directory))
    return {"schema_tables.cpp": tables.Tables(resolved).cpp(),
            "type_id.hpp": tables.type_ids(resolved),
            "properties.hpp": handles.property_indices(resolved),
            "service_description_data.cpp": wsdl.cpp(resolved),
            **handles.Handles.headers(resolved, read_areas(handles_file))}


def main(schema_directory, handles_file, output):
    try:
        files = files_of(schema_directory, handles_file)
    except schema.SchemaError as error:
        sys.exit(f"api: {error}")
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_if_changed(output / name, text)
    (output / "stamp").touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
