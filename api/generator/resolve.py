"""Gives every type its number, and every type its flattened members."""

import dataclasses

from .schema import PRIMITIVES, Member, Type, TypeRef, version_key

# Numbers of the primitives, in the order of TypeId; the C++ code relies on 0 being "none".
FIRST_IDS = ("none",) + PRIMITIVES[1:]
# References to a managed object of whatever type.
ANY_MANAGED = "ManagedObject"


@dataclasses.dataclass
class Resolved:
    """The whole interface, ready to be written out."""
    ordered: list        # (name, kind, Type or None), by id
    ids: dict            # name -> id
    types: dict          # name -> Type
    releases: list       # release names, oldest first; [0] is ""
    privileges: list     # privilege names; [0] is ""


def request_name(method):
    return method.name + "RequestType"


def resolve(types):
    by_name = {item.name: item for item in types}
    groups = {"enum": [], "data": [], "managed": [], "request": []}
    for item in types:
        groups[item.kind].append(item)
        for method in item.methods:
            groups["request"].append(
                Type("request", request_name(method), since=method.since or item.since,
                     members=method.params))
    by_name.update({item.name: item for item in groups["request"]})
    ordered = [(name, "primitive", None) for name in FIRST_IDS]
    ordered.append((ANY_MANAGED, "managed", Type("managed", ANY_MANAGED)))
    for kind in ("enum", "data", "managed", "request"):
        ordered += [(item.name, kind, item) for item in sorted(groups[kind], key=lambda t: t.name)]
    releases, privileges = {""}, {""}
    for item in types:
        releases.add(item.since)
        releases.update(since for _, since in item.values)
        for member in item.members + [p for m in item.methods for p in m.params]:
            releases.add(member.since)
            privileges.add(member.privilege)
        for method in item.methods:
            releases.add(method.since)
            privileges.add(method.privilege)
    ids = {name: number for number, (name, _, _) in enumerate(ordered)}
    ids["void"] = ids["none"]
    return Resolved(ordered, ids, by_name, sorted(releases, key=version_key), sorted(privileges))


def ancestry(resolved, item):
    """The type and its bases, the type first."""
    chain = [item]
    while chain[-1].base and chain[-1].base in resolved.types:
        chain.append(resolved.types[chain[-1].base])
    return chain


def all_members(resolved, item):
    """(member, declaring type), inherited ones first: what XML Schema's extension means."""
    found = []
    for ancestor in reversed(ancestry(resolved, item)):
        found += [(member, ancestor) for member in ancestor.members]
    return found


def wire_type(ref):
    """The type that stands on the wire: a key of another object is its text."""
    return TypeRef("string", ref.array) if ref.key_of else ref


__all__ = ["Member", "Resolved", "all_members", "ancestry", "request_name", "resolve", "wire_type"]
