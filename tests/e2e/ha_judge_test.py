#!/usr/bin/python3
"""The fault bench's judge finds what must not be, in logs made by hand. Needs no sandbox.

    /usr/bin/python3 tests/e2e/ha_judge_test.py
"""

import json
import os
import struct
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from ha_bench.judge import Judge, unexplained  # noqa: E402

ONE, TWO = "uuid-1", "uuid-2"
DISK = "/m1/m1-flat.raw"


class Judged(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        logs = {host: os.path.join(directory.name, host) for host in ("host1", "host2")}
        for path in logs.values():
            with open(path, "w", encoding="utf-8"):
                pass
        self.logs = logs
        self.judge = Judge(logs, {"m1": DISK}, {"host1": ONE, "host2": TWO})
        self.lease(0.5, 1, ONE)

    def log(self, host, second, **line):
        made = {"host": host, "t0": int(second * 1e9), "t1": int(second * 1e9),
                "t2": int((second + 0.01) * 1e9), "error": 0, "pid": 7, "tid": 7,
                "by": "qemu-system-x86", **line}
        with open(self.logs[host], "a", encoding="utf-8") as file:
            file.write(json.dumps(made) + "\n")

    def lease(self, second, generation, owner):
        text = json.dumps({"owner": owner, "successor": "", "ha": {"owner_epoch": 1}})
        self.log("host1", second, op="link", path=f"/m1/m1.lease.{generation}",
                 record=text.encode().hex(), by="drover-had")

    def write(self, host, second, number, start=1, pid=7, **more):
        record = struct.pack("<4sIIII", b"DREC", 1, number, start, 0)
        self.log(host, second, op="write", path=DISK, offset=number * 4096, bytes=4096, pid=pid,
                 record=record.hex(), **more)

    def found(self):
        self.judge.read()
        return self.judge.violations()

    def test_a_takeover_is_well(self):
        self.write("host1", 1, 1)
        self.write("host1", 2, 2)
        self.lease(6, 2, TWO)
        self.write("host2", 7, 3, start=2, pid=9)
        self.write("host2", 8, 4, start=2, pid=9)
        self.assertEqual([], self.found())
        self.assertEqual([(7.0, "host2")], self.judge.restarted("m1", 2))
        self.assertEqual(TWO, self.judge.taken_after("m1", 2).owner)

    def test_a_write_after_the_takeover(self):
        self.write("host1", 1, 1)
        self.lease(6, 2, TWO)
        self.write("host1", 7, 2)
        self.assertIn("generation 2 was somebody else's", "".join(self.found()))

    def test_a_write_that_failed_is_none(self):
        self.write("host1", 1, 1)
        self.lease(6, 2, TWO)
        self.write("host1", 7, 2, error=5)
        self.assertEqual([], self.found())

    def test_two_that_write_in_turns(self):
        self.write("host1", 1, 1)
        self.write("host1", 2, 2, start=2, pid=8)
        self.assertEqual([], self.found())
        self.write("host1", 3, 2)
        self.assertIn("two writers", "".join(self.found()))

    def test_a_record_that_is_missing(self):
        self.write("host1", 1, 1)
        self.write("host1", 2, 3)
        self.assertIn("the last record was 1", "".join(self.found()))

    def test_a_record_that_was_there_before(self):
        self.write("host1", 1, 1)
        self.write("host1", 2, 2)
        self.write("host1", 3, 2, start=2, pid=8)
        self.assertIn("a fresh start, and the last record was 2", "".join(self.found()))

    def test_a_disk_that_says_otherwise(self):
        self.write("host1", 1, 1)
        self.assertEqual([], self.found())
        os.makedirs(os.path.join(self.directory, "m1"))
        with open(os.path.join(self.directory, DISK.lstrip("/")), "wb") as file:
            file.write(bytes(4096) + struct.pack("<4sII", b"DREC", 1, 1))
            self.assertFalse(file.flush())
            disks = {"m1": DISK}
            self.assertEqual([], list(unexplained(self.judge, disks, self.directory)))
            file.seek(4096)
            file.write(struct.pack("<4sII", b"DREC", 1, 65))
            file.flush()
            self.assertEqual(1, len(list(unexplained(self.judge, disks, self.directory))))


if __name__ == "__main__":
    unittest.main()
