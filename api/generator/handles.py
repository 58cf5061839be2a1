"""Writes the C++ classes that code touches: handles over data objects, enumerations, requests.

Which ones is said in api/handles.txt; the bases of a listed type come along. Everything else stays
a generic data object that the tables describe. What most of the product needs is in types.hpp; an
area that few directories need has a header of its own, so that they alone are compiled again when
it grows.
"""

from .resolve import all_members, ancestry, request_name, wire_type
from .tables import HEAD, type_id

SCALARS = {"boolean": "bool", "byte": "std::int8_t", "short": "std::int16_t",
           "int": "std::int32_t", "long": "std::int64_t", "float": "float", "double": "double",
           "string": "std::string_view", "dateTime": "base::WallTime"}
CPP_WORDS = {"default", "new", "delete", "int", "bool", "true", "false", "auto", "private",
             "public", "protected", "export", "register", "operator", "switch", "static", "union",
             "template", "this", "continue", "break", "and", "or", "not", "xor", "explicit",
             "unix", "linux", "none", "class", "namespace", "char", "short", "long", "float",
             "double", "virtual", "mutable", "signed", "unsigned", "friend", "void", "inline"}


def identifier(name):
    name = "".join(c if c.isalnum() or c == "_" else "_" for c in name)
    if name in CPP_WORDS and name not in ("unix", "linux", "none"):
        return name + "_"
    return "_" + name if name[0].isdigit() else name


class Handles:
    """The classes of one header. `earlier` are the headers' that it may build on: its classes and
    those of the headers that it includes are known to it, all others are generic."""

    def __init__(self, resolved, listed, earlier=()):
        self.resolved = resolved
        self.area = None
        needed = self._closure(listed)
        self.included = [other for other in earlier
                         if other.area is None or not needed.keys().isdisjoint(other.own)]
        known = {name: item for other in self.included for name, item in other.classes.items()}
        self.own = {name: item for name, item in needed.items() if name not in known}
        self.classes = known | self.own

    @classmethod
    def headers(cls, resolved, areas):
        """File name -> text. `areas`: name (None: types.hpp, the first) -> listed names."""
        made = []
        for area, listed in areas.items():
            made.append(cls(resolved, listed, made))
            made[-1].area = area
        return {item.file_name(): item.cpp() for item in made}

    def file_name(self):
        return f"{self.area}_types.hpp" if self.area else "types.hpp"

    def _closure(self, listed):
        """The listed types, their bases, and the enumerations of their members."""
        resolved, classes = self.resolved, {}
        found = {name: resolved.types.get(name) or resolved.types.get(name + "RequestType")
                 for name in listed}
        unknown = [name for name, item in found.items() if item is None or item.kind == "managed"]
        if unknown:
            raise SystemExit("handles.txt: no data object, enumeration or method "
                             + ", ".join(unknown))
        for item in found.values():
            if item.kind == "enum":
                classes[item.name] = item
                continue
            for ancestor in ancestry(resolved, item):
                classes[ancestor.name] = ancestor
        for item in list(classes.values()):
            for member in item.members:
                found = resolved.types.get(member.type.name)
                if found is not None and found.kind == "enum" and not member.type.key_of:
                    classes[found.name] = found
        return classes

    def class_name(self, item):
        if item.kind == "request":
            return item.name.removesuffix("Type")
        return item.name

    def element(self, ref):
        """The C++ type of one element; "Value" where only the generic form is known."""
        ref = wire_type(ref)
        if ref.name in SCALARS:
            return SCALARS[ref.name]
        if ref.reference:
            return "MoRef"
        if ref.name in ("anyType", "binary"):
            return "Value"
        if ref.name in self.classes:
            return ref.name
        return "DataHandle" if self.resolved.types[ref.name].kind == "data" else "Value"

    def enum(self, item):
        lines = [f"enum class {item.name} : std::uint16_t {{"]
        lines += [f"    {identifier(value)}," for value, _ in item.values]
        lines += ["};", "template <>", f"struct EnumTraits<{item.name}> {{",
                  f"    static constexpr TypeId kType = TypeId::{item.name};", "};", ""]
        return lines

    def accessor(self, name, slot, member):
        """Getter, setter and, for what may be unset, a way to unset it."""
        kind = self.element(member.type)
        cpp, setter = identifier(name), f"set_{name}"
        if member.type.array:
            result = f"ArrayView<{kind}>"
            lines = [f"    {result} {cpp}() const;",
                     f"    void {setter}(const std::vector<{kind}>& value);"]
            bodies = [(f"{result}", f"{cpp}() const", f"return list_<{kind}>({slot});"),
                      ("void", f"{setter}(const std::vector<{kind}>& value)",
                       f"set_list_({slot}, TypeId::{self.element_id(member.type)}, value);")]
        else:
            scalar = kind in SCALARS.values() or kind == "MoRef" or self.is_enum(kind)
            result = f"std::optional<{kind}>" if scalar and member.optional else kind
            call = "find_" if scalar and member.optional else "get_"
            passed = kind if scalar and kind != "MoRef" else f"const {kind}&"
            lines = [f"    {result} {cpp}() const;", f"    void {setter}({passed} value);"]
            bodies = [(result, f"{cpp}() const", f"return {call}<{kind}>({slot});"),
                      ("void", f"{setter}({passed} value)", f"set_<{kind}>({slot}, value);")]
        if member.optional:
            lines.append(f"    void clear_{name}();")
            bodies.append(("void", f"clear_{name}()", f"clear_({slot});"))
        return lines, bodies

    def element_id(self, ref):
        return type_id(wire_type(ref).name)

    def is_enum(self, name):
        item = self.classes.get(name)
        return item is not None and item.kind == "enum"

    def data(self, item):
        name = self.class_name(item)
        base = item.base if item.base in self.classes else "DataHandle"
        inherited = len(all_members(self.resolved, item)) - len(item.members)
        declarations = [f"class {name} : public {base} {{", "public:",
                        f"    static constexpr TypeId kType = TypeId::{type_id(item.name)};",
                        f"    {name}() = default;",
                        f"    explicit {name}(Value value) : {base}(std::move(value)) {{}}",
                        f"    static {name} make() {{ return {name}(make_object(kType)); }}"]
        definitions = []
        for offset, member in enumerate(item.members):
            lines, bodies = self.accessor(member.name, inherited + offset, member)
            declarations += lines
            definitions += [f"inline {result} {name}::{signature} {{ {body} }}"
                            for result, signature, body in bodies]
        return declarations + ["};", ""], definitions + [""]

    def cpp(self):
        items = list(self.own.values())
        enums = sorted((i for i in items if i.kind == "enum"), key=lambda i: i.name)
        objects = sorted((i for i in items if i.kind != "enum"),
                         key=lambda i: (len(ancestry(self.resolved, i)), i.name))
        included = [other.file_name() for other in self.included] or ["data_handle.hpp"]
        lines = [HEAD, "#pragma once\n", *(f'#include "vim/{name}"' for name in included), "",
                 "namespace drover::vim {\n"]
        for item in enums:
            lines += self.enum(item)
        objects = [item for item in objects if item.name != "DynamicData"]
        lines += [f"class {self.class_name(item)};" for item in objects] + [""]
        definitions = []
        for item in objects:
            declared, defined = self.data(item)
            lines += declared
            definitions += defined
        return "\n".join(lines + definitions + ["}  // namespace drover::vim\n"])


def property_indices(resolved):
    """The header with the index of each property of each managed object."""
    lines = [HEAD, "#pragma once\n", "#include <cstdint>\n",
             "/// property::VirtualMachine::config and so on: indices into the property table of a",
             "/// managed object type; inherited ones are repeated in each.",
             "namespace drover::vim::property {\n"]
    for name, kind, item in resolved.ordered:
        if kind != "managed" or item is None or name == "ManagedObject":
            continue
        lines.append(f"namespace {name} {{")
        lines += [f"inline constexpr std::uint16_t {identifier(member.name)} = {index};"
                  for index, (member, _) in enumerate(all_members(resolved, item))]
        lines.append(f"}}  // namespace {name}\n")
    return "\n".join(lines + ["}  // namespace drover::vim::property\n"])


__all__ = ["Handles", "property_indices", "request_name"]
