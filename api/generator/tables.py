"""Writes the constant tables that src/vim/schema.hpp describes, and the TypeId enumeration."""

from .resolve import all_members, request_name, wire_type

HEAD = "// Made by api/generator from api/schema: do not edit.\n"
KEYWORDS = {"boolean": "boolean", "byte": "byte_", "short": "short_", "int": "int_",
            "long": "long_", "float": "float_", "double": "double_"}
KINDS = {"primitive": "primitive", "enum": "enumeration", "data": "data", "managed": "managed",
         "request": "request"}
OPTIONAL, ARRAY, SECRET = 1, 2, 4


def type_id(name):
    return KEYWORDS.get(name, name)


class Strings:
    """One pool for all names; a name is an offset into it."""

    def __init__(self):
        self.offsets = {}
        self.parts = []
        self.size = 0

    def offset(self, text):
        if text not in self.offsets:
            self.offsets[text] = self.size
            self.parts.append(text)
            self.size += len(text.encode()) + 1
        return self.offsets[text]

    def cpp(self):
        lines = "\n".join(f'    "{part}\\0"' for part in self.parts)
        return f"const char kStrings[] =\n{lines};\n"


def flags(ref, optional, secret=False):
    return (OPTIONAL if optional else 0) | (ARRAY if ref.array else 0) | (SECRET if secret else 0)


class Tables:
    def __init__(self, resolved):
        self.resolved = resolved
        self.release = {name: number for number, name in enumerate(resolved.releases)}
        self.privilege = {name: number for number, name in enumerate(resolved.privileges)}
        self.strings = Strings()
        self.types, self.properties, self.values = [], [], []
        self.methods, self.faults = [], []
        for name, kind, item in resolved.ordered:
            self.add_type(name, kind, item)

    def add_type(self, name, kind, item):
        first, count, first_method = 0, 0, len(self.methods)
        base, since = "none", ""
        if kind == "enum":
            first, count = len(self.values), len(item.values)
            self.values += [f"{{{self.strings.offset(value)}, {self.release[value_since]}}}"
                            for value, value_since in item.values]
            since = item.since
        elif item is not None:
            members = all_members(self.resolved, item)
            first, count = len(self.properties), len(members)
            self.properties += [self.property(member, owner) for member, owner in members]
            for method in item.methods:
                self.add_method(item, method)
            base, since = item.base or "none", item.since
        self.types.append(
            f"{{{self.strings.offset(name)}, TypeKind::{KINDS[kind]}, TypeId::{type_id(base)}, "
            f"Release{{{self.release[since]}}}, {first}, {count}, {first_method}, "
            f"{len(self.methods) - first_method}}}")

    def property(self, member, owner):
        ref = wire_type(member.type)
        since = self.release[member.since or owner.since]
        return (f"{{{self.strings.offset(member.name)}, TypeId{{{self.resolved.ids[ref.name]}}}, "
                f"Release{{{since}}}, {self.privilege[member.privilege]}, "
                f"{flags(ref, member.optional, member.secret)}}}")

    def add_method(self, owner, method):
        result = wire_type(method.result)
        task = wire_type(method.task_result) if method.task_result else None
        first_fault = len(self.faults)
        self.faults += [f"TypeId{{{self.resolved.ids[fault]}}}" for fault in method.faults]
        self.methods.append(
            f"{{{self.strings.offset(method.name)}, TypeId::{owner.name}, "
            f"TypeId::{request_name(method)}, TypeId::{type_id(self.id_name(result))}, "
            f"TypeId::{type_id(self.id_name(task))}, "
            f"Release{{{self.release[method.since or owner.since]}}}, "
            f"{self.privilege[method.privilege]}, {flags(result, method.result_optional)}, "
            f"{first_fault}, {len(method.faults)}}}")

    @staticmethod
    def id_name(ref):
        return "none" if ref is None or ref.name == "void" else ref.name

    def sorted_index(self, names):
        return ", ".join(str(number) for _, number in sorted((n, i) for i, n in enumerate(names)))

    def cpp(self):
        method_names = [m.name for _, _, item in self.resolved.ordered if item is not None
                        for m in item.methods]
        arrays = [
            array("TypeDescriptor", "kTypes", self.types),
            array("EnumValue", "kEnumValues", self.values),
            array("MethodDescriptor", "kMethods", self.methods),
            array("TypeId", "kFaults", self.faults),
            array("std::uint32_t", "kReleaseNames",
                  [str(self.strings.offset(name)) for name in self.resolved.releases]),
            array("std::uint32_t", "kPrivilegeNames",
                  [str(self.strings.offset(name)) for name in self.resolved.privileges]),
            array("std::uint16_t", "kTypesByName",
                  [self.sorted_index([name for name, _, _ in self.resolved.ordered])]),
            array("std::uint16_t", "kMethodsByName", [self.sorted_index(method_names)]),
            array("PropertyDescriptor", "kProperties", self.properties)]
        counts = [f"const std::size_t kTypeCount = {len(self.types)};",
                  f"const std::size_t kMethodCount = {len(self.methods)};",
                  f"const std::size_t kReleaseCount = {len(self.resolved.releases)};"]
        return "\n".join([HEAD, '#include "vim/schema_tables.hpp"\n',
                          "namespace drover::vim::tables {\n", self.strings.cpp(), *arrays,
                          *counts, "\n}  // namespace drover::vim::tables\n"])


def array(element, name, lines):
    body = ",\n    ".join(lines)
    return f"const {element} {name}[] = {{\n    {body}}};\n"


def type_ids(resolved):
    """The header with the enumeration of all types."""
    lines = [HEAD, "#pragma once\n", "#include <cstdint>\n", "namespace drover::vim {\n",
             "/// A type of the interface. `ManagedObject` stands for any managed object, and for",
             "/// references to one.", "enum class TypeId : std::uint16_t {"]
    lines += [f"    {type_id(name)} = {number}," for number, (name, _, _)
              in enumerate(resolved.ordered)]
    lines += ["};\n", "}  // namespace drover::vim\n"]
    return "\n".join(lines)
