"""The figures of a ledger."""

import math


def _share(values, share):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _figures(values):
    if not values:
        return f"{'-':>6}{'-':>7}{'-':>7}"
    return f"{_share(values, .5):6.1f} {_share(values, .99):6.1f} {max(values):6.1f}"


def _count(entries, what):
    return sum(len(entry.get(what, [])) for entry in entries)


def blade_pulled(entries):
    """Seconds from a pulled cable, of every machine that was on that host: {what: [s]}."""
    found = {"detected": [], "running": [], "writes": []}
    for entry in entries:
        if entry["kind"] != "host_killed":
            continue
        for item in entry["machines"].values():
            if item.get("was_on") != entry["host"]:
                continue
            for what, values in found.items():
                if item.get(what) is not None:
                    values.append(item[what])
    return found


def profile_of(entry):
    return entry.get("profile", "3 hosts")


def lines(entries):
    """The report, line by line."""
    entries = [entry for entry in entries if "kind" in entry]
    bad = [entry for entry in entries if not entry["ok"]]
    yield f"{len(entries)} faults, {len(bad)} violations"
    yield ""
    yield (f"{'kind':24}{'faults':>7}{'bad':>5}{'machines':>10}{'restarted':>11}{'fenced':>8}"
           f"{'resets':>8}{'settled, s: p50    p99    max':>31}")
    for kind in sorted({entry["kind"] for entry in entries}):
        some = [entry for entry in entries if entry["kind"] == kind]
        settled = [entry["settled_s"] for entry in some if entry.get("settled_s") is not None]
        machines = sum(len(entry["machines"]) for entry in some)
        lost = sum(item["restarts"] > 0 for entry in some for item in entry["machines"].values())
        yield (f"{kind:24}{len(some):7}{sum(not entry['ok'] for entry in some):5}{machines:10}"
               f"{lost:11}{_count(some, 'fenced'):8}{_count(some, 'resets'):8}{'':10}"
               f"{_figures(settled)}")
    for profile in sorted({profile_of(entry) for entry in entries}):
        some = [entry for entry in entries if profile_of(entry) == profile]
        yield ""
        yield f"{profile}: {len(some)} faults"
        yield f"{'blade pulled, s':22}{'machines':>9}{'p50':>8}{'p99':>7}{'max':>7}"
        for what, values in blade_pulled(some).items():
            yield f"{what:22}{len(values):9}  {_figures(values)}"
        asked = [count for entry in some for count in entry.get("names_asked", {}).values()]
        if asked and all(isinstance(count, list) for count in asked):
            drovers, others = (max(each) for each in zip(*asked))
            yield (f"questions to a name server, at most, of a host: {drovers} by the user drover, "
                   f"{others} by others")
    loads = [entry["load"] for entry in entries if "load" in entry]
    if loads:
        yield ""
        yield (f"the machine's load meanwhile: {min(loads)} to {max(loads)}, "
               f"p50 {_share(loads, .5)}")
    for entry in bad:
        yield ""
        yield f"fault {entry['number']}, seed {entry['seed']}, {entry['kind']} of {entry['host']}:"
        for text in entry["violations"]:
            yield f"    {text}"
