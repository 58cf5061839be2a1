#!/usr/bin/python3
"""All hosts lose their power at once, and everything comes back by itself in the order that
priorities and dependencies give.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/ha_power_order.py

$DROVER_LOSSES is how often for each meaning of "up" (2); $DROVER_SEED repeats a run's choices.
"""

import os
import random
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from ha_bench.front import Unavailable  # noqa: E402
from ha_bench.judge import Judge  # noqa: E402
from ha_bench.profile import Profile  # noqa: E402
from ha_bench.timeline import Timeline  # noqa: E402
from ha_bench.world import World  # noqa: E402

LOSSES = int(os.environ.get("DROVER_LOSSES", "2"))
SEED = int(os.environ.get("DROVER_SEED", str(time.time_ns() % 1_000_000)))
SETTLE_S = float(os.environ.get("DROVER_HA_SETTLE_S", "120"))

# Not in the order of the catalogue. m6 is needed by a machine of a higher priority than its own,
# m4 stands before m3 for nothing but a dependency.
PRIORITIES = {"m1": "low", "m2": "highest", "m3": "medium", "m4": "medium", "m5": "high",
              "m6": "lowest"}
NEEDS = {"m3": ["m4"], "m5": ["m6"]}
# Each machine waits for all before it.
ORDER = ["m2", "m6", "m5", "m4", "m3", "m1"]


def entries(ready_when):
    return {name: {"priority": priority, "ready_when": ready_when,
                   "depends_on": NEEDS.get(name, [])}
            for name, priority in PRIORITIES.items()}


def setUpModule():
    global WORLD, JUDGE
    try:
        # Where libvirtd is there at once, a host can start machines before it knows of the others.
        WORLD = World(Profile(machines=len(PRIORITIES), names=True), entries("running"))
    except Unavailable as error:
        raise unittest.SkipTest(str(error)) from None
    JUDGE = Judge({host: front.log for host, front in WORLD.fronts.items()}, WORLD.disks,
                  WORLD.ha.hosts)
    print(f"DROVER_SEED={SEED}", flush=True)


def tearDownModule():
    WORLD.close()


class PowerLoss(unittest.TestCase):
    def settle(self, since=0.0):
        left, ended = WORLD.wait_until_settled(JUDGE, SETTLE_S, since)
        self.assertEqual(([], []), (left, ended))

    def lose_power(self, chosen):
        """All hosts, for seconds; returns what became of it when all is well again."""
        since = time.monotonic() if WORLD.spread() else 0.0
        self.settle(since)
        timeline = Timeline(WORLD)
        lost = time.monotonic()
        WORLD.pull_all(chosen.sample(WORLD.hosts, len(WORLD.hosts)))
        # The first to come back has none but machines that others go before: by itself it might
        # start them at once, as nobody else can.
        first = max(filter(None, (WORLD.host_of(name) for name in ORDER
                                  if WORLD.host_of(name) != WORLD.host_of(ORDER[0]))),
                    key=lambda host: max(ORDER.index(name) for name in WORLD.machines_of(host)))
        others = [host for host in WORLD.hosts if host != first]
        back = time.monotonic()
        WORLD.start(first)
        time.sleep(chosen.uniform(0, 6))
        for host in chosen.sample(others, len(others)):
            WORLD.start(host)
        self.settle(time.monotonic())
        JUDGE.read()
        self.assertEqual([], JUDGE.violations())
        print(f"all run {time.monotonic() - back:.1f} s after the first cable was back",
              flush=True)
        return timeline, lost

    def check(self, timeline, lost, earlier, later):
        """No machine's `later` moment is before the `earlier` one of a machine before it."""
        moments = [(name, timeline.first(WORLD.uuids[name], earlier, lost),
                    timeline.first(WORLD.uuids[name], later, lost)) for name in ORDER]
        shown = ", ".join(f"{name} {begun - lost:.2f} to {up - lost:.2f}"
                          for name, up, begun in moments)
        print(f"{later} to {earlier}: {shown}", flush=True)
        for at, (name, _, begun) in enumerate(moments):
            for other, up, _ in moments[:at]:
                self.assertLessEqual(up, begun, f"{name} before {other}")

    def test_1_each_waits_until_those_before_it_run(self):
        chosen = random.Random(SEED)
        for _ in range(LOSSES):
            timeline, lost = self.lose_power(chosen)
            self.check(timeline, lost, "started the machine", "takes the machine over")

    def test_2_each_waits_until_those_before_it_have_a_place(self):
        chosen = random.Random(SEED + 1)
        WORLD.protect(entries("assigned"))
        for _ in range(LOSSES):
            timeline, lost = self.lose_power(chosen)
            self.check(timeline, lost, "planned where the machine starts",
                       "planned where the machine starts")


if __name__ == "__main__":
    unittest.main(failfast=True)
