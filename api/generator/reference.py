"""The reference pages of what a host and a center serve; tests/reference writes them."""

from . import schema
from .resolve import all_members, ancestry

_HEAD = """\
# What a {what} serves

Every method that `{program}` answers and every property that its objects have, by managed
object, each with the release of the vSphere API that it came with and the privilege that it takes.
Clients of an older release do not see it. The names are those of VMware's documentation of the
vSphere API, which says what each one does; what differs here is in [what a {what} is]({what}.md).

{shown}
`make docs` writes this page; do not edit.
"""
HOST = _HEAD.format(what="host", program="drover-hostd", shown="""\
Some properties come and go with the thing that they speak of (a machine's `snapshot`): the page
shows those of a fresh host with three machines.""")
CENTER = _HEAD.format(what="center", program="drover-centerd", shown="""\
Machines, datastores, networks and what belongs to hosts have the properties and the methods that
[their hosts](api.md) give them: the center passes such calls on. This page has what the center
answers itself, and the properties of one without hosts.""")


def read_served(lines):
    """(methods, {type: properties})"""
    methods, properties = set(), {}
    for line in lines:
        words = line.split()
        if words[:1] == ["method"]:
            methods.add(words[1])
        elif words[:1] == ["property"]:
            properties.setdefault(words[1], set()).add(words[2])
    return methods, properties


def type_text(ref):
    if ref.name == "void":
        return ""
    return f"{ref.name}{'&' if ref.reference else ''}{'[]' if ref.array else ''}"


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def cell(text):
    return f"`{text}`" if text else ""


def release(*found):
    """The newest of them; what is as old as the interface is of 2.0."""
    return max(found + ("2.0",), key=schema.version_key)


def method_rows(methods, owner):
    for method in sorted(methods, key=lambda item: item.name.lower()):
        result = type_text(method.task_result) if method.task_result else type_text(method.result)
        yield (cell(method.name), ", ".join(cell(param.name + ("?" if param.optional else ""))
                                            for param in method.params),
               ("Task " if method.task_result else "") + cell(result),
               release(owner.since, method.since), cell(method.privilege))


def property_rows(members, names):
    for member, owner in sorted(members, key=lambda pair: pair[0].name.lower()):
        if member.name in names:
            yield (cell(member.name), cell(type_text(member.type)),
                   release(owner.since, member.since), cell(member.privilege))


def page(resolved, served, head):
    methods, properties = served
    managed = [item for _, kind, item in resolved.ordered if kind == "managed" and item is not None]
    # A method that an object inherits stands with the type that declares it.
    parts, count = [], 0
    for item in managed:
        own = [method for method in item.methods if method.name in methods]
        names = properties.get(item.name, set())
        if not own and not names:
            continue
        text = f"\n## {item.name}\n\n"
        bases = [base.name for base in ancestry(resolved, item)[1:] if base.name != "ManagedObject"]
        if bases:
            text += f"A {bases[0]}: has the methods of {' and '.join(bases)} too.\n\n"
        if own:
            text += table(("method", "parameters", "result", "since", "privilege"),
                          method_rows(own, item)) + "\n"
        if names:
            text += table(("property", "type", "since", "privilege"),
                          property_rows(all_members(resolved, item), names))
        parts.append(text.rstrip("\n") + "\n")
        count += len(own)
    kinds = len(parts)
    return f"{head}\n{count} methods of {kinds} kinds of objects.\n" + "".join(parts)
