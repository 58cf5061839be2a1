#!/usr/bin/python3
"""Faults of all kinds, done to real hosts whose machines write records: nothing may be written by
two, and every machine must write again.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/ha_fault_bench.py \\
        [--faults 30] [--seed N] [--ledger FILE] [--kind KIND] [--every S] [--hosts 3] [--etcd]
    tests/e2e/ha_fault_bench.py --report FILE...

A line of JSON in the ledger for every fault; run again, it goes on from there. Exit code 1 at the
first violation, with its timeline; logs are kept beside the ledger. 77: this machine can't run it.
See ha_bench/README.md.
"""

import argparse
import json
import os
import random
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from ha_bench import faults, report  # noqa: E402

# Until everything runs again once the harm is over; a busy machine takes its time.
SETTLE_S = float(os.environ.get("DROVER_HA_SETTLE_S", "90"))

SKIPPED = 77


def read_ledger(path):
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    except FileNotFoundError:
        return []


def profile_of(options):
    from ha_bench.profile import Profile
    return Profile(options.hosts, options.machines, etcd=options.etcd)


class Bench:
    def __init__(self, options):
        from ha_bench.judge import Judge
        from ha_bench.world import World
        self.options = options
        self.world = World(profile_of(options))
        logs = {host: front.log for host, front in self.world.fronts.items()}
        self.judge = Judge(logs, self.world.disks, self.world.ha.hosts)
        left, _ = self.world.wait_until_settled(self.judge, SETTLE_S)
        assert not left, f"{left}: no writes"
        self.epochs = self.epochs_now()

    def epochs_now(self):
        return {host: self.world.ha.epoch(host) for host in self.world.hosts}

    def fenced(self):
        """The hosts that had to join anew since the last call."""
        before, self.epochs = self.epochs, self.epochs_now()
        return [host for host, epoch in before.items() if self.epochs[host] != epoch]

    def choose(self, seed, number):
        """Whom it strikes: mostly a host that has machines."""
        chosen = random.Random(f"{seed} fault {number}")
        busy = sorted({self.world.host_of(name) for name in self.world.uuids} - {""})
        everybody = sorted(self.world.fronts)
        host = chosen.choice(busy if chosen.random() < 0.85 and busy else everybody)
        machines = self.world.machines_of(host)
        return faults.Fault(self.world, chosen, host,
                            chosen.choice(machines) if machines else "")

    def strike(self, seed, number, kind):
        """One fault, and what became of it: a line for the ledger."""
        from ha_bench.timeline import Timeline
        calm = [f"{host}: ended when nothing was done" for host in self.world.start_what_is_off()]
        calm += [f"{host}: was fenced when nothing was done" for host in self.fenced()]
        since = time.monotonic() if self.world.spread() else 0.0
        left, _ = self.world.wait_until_settled(self.judge, SETTLE_S, since)
        assert not left, f"{left} don't write after machines were spread"
        bites = self.bites()
        fault = self.choose(seed, number)
        before = {name: self.world.host_of(name) for name in self.world.uuids}
        if kind in ("zombie_write", "machine_killed") and not fault.machine:
            fault.machine = next(name for name in before if before[name])
            fault.host = before[fault.machine]
        timeline = Timeline(self.world)
        faults.KINDS[kind](fault)
        fault.over = time.monotonic()
        resets = [host for host in self.world.start_what_is_off()
                  if kind not in ("host_killed", "second_fault", "cluster_power_loss")]
        left, more = self.world.wait_until_settled(self.judge, SETTLE_S, fault.over)
        resets += more
        settled = time.monotonic()
        time.sleep(0.5)
        self.judge.read()
        violations = self.judge.violations() + calm
        for name in left:
            if name not in before:
                violations.append(f"{name}: its drover-had does not write its slot")
                continue
            violations.append(f"{name}: is stuck: runs on {self.world.running_on(name)}, lease "
                              f"{json.dumps(self.world.ha.lease(name))}")
        machines = {name: self.became(name, fault, timeline, before[name]) for name in before}
        fenced, asked = self.fenced(), self.world.names_asked()
        violations += [f"{host}: a program of drover asked for a name {count} times"
                       for host, (count, _) in asked.items() if count]
        if kind in faults.HARMLESS:
            violations += [f"{name}: was started anew" for name, item in machines.items()
                           if item["restarts"]]
            violations += [f"{host}: was fenced" for host in fenced]
        entry = {"number": number, "seed": seed, "kind": kind, "host": fault.host,
                 "machine": fault.machine, "ok": not violations, "notes": fault.notes,
                 "resets": resets, "bites": self.bites() - bites, "fenced": fenced,
                 "harm_s": round(fault.over - fault.begun, 2),
                 "settled_s": None if left else round(settled - fault.begun, 2),
                 "machines": machines, "violations": violations,
                 "profile": self.world.profile.name, "names_asked": asked,
                 "load": round(os.getloadavg()[0], 1), "when": time.strftime("%F %T")}
        entry["timeline"] = timeline.lines(fault.begun, self.judge)
        return entry

    def bites(self):
        """How often a watchdog has ended a host."""
        return sum(front.show()["bites"] for front in self.world.fronts.values())

    def became(self, name, fault, timeline, host):
        def since(moment):
            return None if moment is None else round(moment - fault.begun, 2)
        restarts = self.judge.restarted(name, fault.begun)
        taken = self.judge.taken_after(name, fault.begun)
        return {"was_on": host, "is_on": self.world.host_of(name), "restarts": len(restarts),
                "detected": since(taken.since if taken else None),
                "running": since(timeline.started(self.world.uuids[name], fault.begun)),
                "writes": since(restarts[0][0] if restarts else None)}

    def close(self):
        self.world.close()

    def end(self):
        """All machines off by pulling all cables; then the disks are what the logs say."""
        from ha_bench.judge import unexplained
        for host in self.world.hosts:
            self.world.pull(host)
        self.judge.read()
        return self.judge.violations() + list(
            unexplained(self.judge, self.world.disks, self.world.sandbox.datastore_directory))


def keep(bench, options, entry):
    kept = f"{os.path.splitext(options.ledger)[0]}-{entry['seed']}-{entry['number']}"
    bench.world.keep_logs(kept)
    print(f"fault {entry['number']} of seed {entry['seed']} ({entry['kind']} of {entry['host']}):")
    for line in entry["violations"] + entry.get("timeline", []):
        print(f"    {line}")
    print(f"logs: {kept}", flush=True)  # drover-had's and hostd's, and what the fronts saw


def attempt(bench, seed, number, kind):
    """strike(), or a line that says why it could not be done: that is a violation as well."""
    try:
        return bench.strike(seed, number, kind)
    except Exception as error:  # noqa: BLE001  whatever it was, the ledger has to say so
        traceback.print_exc()
        return {"number": number, "seed": seed, "kind": kind, "host": "", "ok": False,
                "settled_s": None, "resets": [], "machines": {}, "notes": {},
                "violations": [f"{type(error).__name__}: {error}"[:1000]]}


def run(options):
    done = read_ledger(options.ledger)
    kinds = [options.kind] * options.faults if options.kind else \
        faults.order(options.seed, options.faults, profile_of(options))
    failed = any(not entry["ok"] for entry in done)
    if len(done) >= options.faults:
        return 1 if failed else 0
    bench = Bench(options)
    try:
        for number in range(len(done), options.faults):
            until = time.monotonic() + options.every
            entry = attempt(bench, options.seed, number, kinds[number])
            with open(options.ledger, "a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
            shown = {name: (item["detected"], item["running"], item["writes"])
                     for name, item in entry["machines"].items() if item["restarts"]}
            print(f"{number:4} {entry['kind']:20} {entry['host']} settled {entry['settled_s']} s"
                  f" {entry['notes'] or ''} {shown or ''} "
                  f"{'reset ' + ' '.join(entry['resets']) if entry['resets'] else ''}", flush=True)
            if not entry["ok"] or options.keep_logs:
                keep(bench, options, entry)
                failed |= not entry["ok"]
                if not entry["ok"] and (not options.go_on or entry["settled_s"] is None):
                    return 1
            time.sleep(max(0.0, until - time.monotonic()))
        wrong = bench.end()
        print("\n".join(wrong))
        return 1 if wrong or failed else 0
    finally:
        bench.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--ledger", default="build/ha-faults.jsonl")
    parser.add_argument("--hosts", type=int, default=3, choices=range(2, 8), metavar="2..7")
    parser.add_argument("--machines", type=int, default=3)
    parser.add_argument("--etcd", action="store_true", help="hosts beat in an etcd as well")
    parser.add_argument("--kind", choices=sorted(faults.KINDS))
    parser.add_argument("--every", type=float, default=0.0, metavar="S",
                        help="seconds from one fault to the next, at least")
    parser.add_argument("--go-on", action="store_true", help="after a violation, unless stuck")
    parser.add_argument("--keep-logs", action="store_true", help="of every fault")
    parser.add_argument("--report", metavar="FILE", nargs="+",
                        help="only prints what ledgers say")
    options = parser.parse_args()
    if options.report:
        print("\n".join(report.lines([entry for file in options.report
                                      for entry in read_ledger(file)])))
        return 0
    if options.kind in faults.WITH_ETCD and not options.etcd:
        parser.error(f"{options.kind} is for --etcd")
    from ha_bench.front import Unavailable
    here = os.path.dirname(os.path.realpath(__file__))
    os.environ.setdefault("DROVER_BIN_DIR", os.path.realpath(f"{here}/../../build/bin"))
    try:
        result = run(options)
    except Unavailable as error:
        print(f"skipped: {error}")
        return SKIPPED
    print("\n".join(report.lines(read_ledger(options.ledger))))
    return result


if __name__ == "__main__":
    sys.exit(main())
