"""Reads the interface's description (schema/**/*.vmodl) into plain Python values.

The grammar, one declaration after the other; '#' starts a comment, line breaks mean nothing:

    enum NAME [since V] { VALUE [since V] ... }
    data NAME [: BASE] [since V] { member ... }
    managed NAME : BASE [since V] { (member | method) ... }

    member:  NAME[?]: TYPE [secret] [since V] [requires PRIVILEGE]
    method:  NAME([member {, member}]) -> RESULT[?] [since V] [requires PRIVILEGE]
             [throws FAULT {, FAULT}]

No member is named since, secret, requires or throws: that would belong to the member before. A '?'
marks what may be left unset. TYPE is a primitive, an enumeration, a data object, a reference to a
managed object (NAME&) or the key of a data object in another list (key<NAME>: a string on the
wire); '[]' makes an array. Task<TYPE> is a reference to a Task whose result is TYPE. Where no
'since' stands, a member is as old as its type.
"""

import dataclasses
import pathlib
import re

PRIMITIVES = ("void", "boolean", "byte", "short", "int", "long", "float", "double", "string",
              "dateTime", "binary", "anyType")

TOKEN = re.compile(r"#[^\n]*|\s+|->|[A-Za-z_][\w.\-]*|\d[\w.]*|[{}():,?&<>\[\]]")


class SchemaError(Exception):
    """The description is wrong; the text says where and why."""


@dataclasses.dataclass
class TypeRef:
    name: str            # primitive, enumeration, data object or managed object
    array: bool = False
    reference: bool = False
    key_of: str = ""     # not empty: a string that is the key of such a data object


@dataclasses.dataclass
class Member:
    name: str
    type: TypeRef
    optional: bool = False
    secret: bool = False
    since: str = ""
    privilege: str = ""


@dataclasses.dataclass
class Method:
    name: str
    params: list
    result: TypeRef
    result_optional: bool = False
    task_result: TypeRef = None
    since: str = ""
    privilege: str = ""
    faults: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Type:
    kind: str            # "enum", "data" or "managed"
    name: str
    base: str = ""
    since: str = ""
    package: str = ""    # the file's or directory's name in schema/: "core", "query", "vm", ...
    members: list = dataclasses.field(default_factory=list)
    methods: list = dataclasses.field(default_factory=list)
    values: list = dataclasses.field(default_factory=list)   # of (name, since)


class Parser:
    """A recursive-descent parser over one file's tokens."""

    def __init__(self, text, source):
        self.source = source
        self.tokens = []
        position = 0
        while position < len(text):
            match = TOKEN.match(text, position)
            line = text.count("\n", 0, position) + 1
            if not match:
                raise SchemaError(f"{source}:{line}: unexpected {text[position]!r}")
            word = match.group()
            if not word.isspace() and not word.startswith("#"):
                self.tokens.append((word, line))
            position = match.end()
        self.tokens.append(("", text.count("\n") + 1))
        self.at = 0

    def peek(self):
        return self.tokens[self.at][0]

    def take(self, expected=None):
        word, line = self.tokens[self.at]
        if expected is not None and word != expected:
            raise SchemaError(f"{self.source}:{line}: expected {expected!r}, found {word!r}")
        if not word:
            raise SchemaError(f"{self.source}:{line}: unexpected end")
        self.at += 1
        return word

    def accept(self, word):
        if self.peek() == word:
            self.at += 1
            return True
        return False

    def parse(self):
        types = []
        while self.peek():
            kind = self.take()
            if kind == "enum":
                types.append(self.enum())
            elif kind in ("data", "managed"):
                types.append(self.object(kind))
            else:
                self.at -= 1
                self.take("enum, data or managed")
        return types

    def since(self):
        return self.take() if self.accept("since") else ""

    def enum(self):
        made = Type("enum", self.take())
        made.since = self.since()
        self.take("{")
        while not self.accept("}"):
            name = self.take()
            made.values.append((name, self.since()))
        return made

    def object(self, kind):
        made = Type(kind, self.take())
        if self.accept(":"):
            made.base = self.take()
        made.since = self.since()
        self.take("{")
        while not self.accept("}"):
            name = self.take()
            if self.accept("("):
                made.methods.append(self.method(name))
            else:
                made.members.append(self.member(name))
        return made

    def member(self, name):
        optional = self.accept("?")
        self.take(":")
        made = Member(name, self.type(), optional)
        made.secret = self.accept("secret")
        made.since = self.since()
        if self.accept("requires"):
            made.privilege = self.take()
        return made

    def type(self):
        name = self.take()
        made = TypeRef(name)
        if name == "key" and self.accept("<"):
            made = TypeRef("string", key_of=self.take())
            self.accept("&")
            self.take(">")
        if self.accept("&"):
            made.reference = True
        if self.accept("["):
            self.take("]")
            made.array = True
        return made

    def method(self, name):
        params = []
        while not self.accept(")"):
            params.append(self.member(self.take()))
            if self.peek() != ")":
                self.take(",")
        self.take("->")
        made = Method(name, params, TypeRef("void"))
        if self.peek() == "Task":
            self.take()
            if self.accept("<"):
                made.task_result = self.type()
                self.take(">")
            else:
                self.take("&")
            made.result = TypeRef("Task", reference=True)
        else:
            made.result = self.type()
        made.result_optional = self.accept("?")
        made.since = self.since()
        if self.accept("requires"):
            made.privilege = self.take()
        if self.accept("throws"):
            made.faults.append(self.take())
            while self.accept(","):
                made.faults.append(self.take())
        return made


def version_key(release):
    """Sorts releases: 2.5 < 2.5u2 < 2.5u2server < 4.0 < ... < 8.0.3.0; unset is the oldest."""
    return tuple((int(number or -1), word)
                 for number, word in re.findall(r"(\d+)|([a-z]+)", release))


def check_ancestry(item, by_name):
    seen, at = {item.name}, by_name.get(item.base)
    while at is not None:
        if at.name in seen:
            raise SchemaError(f"{item.name} derives from itself")
        seen.add(at.name)
        at = by_name.get(at.base)


def check_members(item):
    lists = [(item.name, [value for value, _ in item.values]),
             (item.name, [member.name for member in item.members])]
    lists += [(f"{item.name}.{method.name}", [param.name for param in method.params])
              for method in item.methods]
    for where, names in lists:
        for name in names:
            if names.count(name) > 1:
                raise SchemaError(f"{where}: {name} is declared twice")


def check(types):
    """Every name that is used is declared once, and bases are of the right kind."""
    by_name = {}
    for item in types:
        if item.name in by_name or item.name in PRIMITIVES:
            raise SchemaError(f"{item.name} is declared twice")
        by_name[item.name] = item

    def known(ref, where):
        if ref.name in PRIMITIVES:
            return
        found = by_name.get(ref.name)
        if found is None and not (ref.reference and ref.name == "ManagedObject"):
            raise SchemaError(f"{where}: no type {ref.name}")
        if (found is None or found.kind == "managed") != ref.reference:
            raise SchemaError(f"{where}: {ref.name} and '&' don't go together")

    for item in types:
        if item.base and item.base != "ManagedObject":
            base = by_name.get(item.base)
            if base is None or base.kind != item.kind:
                raise SchemaError(f"{item.name}: no base {item.base}")
        check_ancestry(item, by_name)
        check_members(item)
        for member in item.members:
            known(member.type, f"{item.name}.{member.name}")
        for method in item.methods:
            known(method.result, f"{item.name}.{method.name}")
            for param in method.params:
                known(param.type, f"{item.name}.{method.name}({param.name})")
            for fault in method.faults:
                known(TypeRef(fault), f"{item.name}.{method.name}")
    methods = [method.name for item in types for method in item.methods]
    for name in set(methods):
        if methods.count(name) > 1:
            raise SchemaError(f"method {name} is declared by two managed objects")
    return by_name


def load(directory):
    """All types below a directory, sorted by name."""
    types = []
    for path in sorted(pathlib.Path(directory).rglob("*.vmodl")):
        parsed = Parser(path.read_text(encoding="utf-8"), str(path)).parse()
        for item in parsed:
            item.package = path.relative_to(directory).parts[0].removesuffix(".vmodl")
        types += parsed
    types.sort(key=lambda item: item.name)
    check(types)
    return types
