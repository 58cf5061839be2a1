#!/usr/bin/python3
"""The command line against a host: files, events, counters, permissions, logs, completion."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from drover_e2e import Sandbox, wait_until  # noqa: E402

PROGRAM = os.path.join(os.environ.get("DROVER_BIN_DIR", "build/bin"), "drover")


class CliTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.place = tempfile.TemporaryDirectory(prefix="drover-cli-")
        cls.addClassCleanup(cls.place.cleanup)
        cls.environment = {**os.environ, "XDG_CONFIG_HOME": cls.place.name}
        for name in ("DROVER_URL", "DROVER_USERNAME", "DROVER_PASSWORD"):
            cls.environment.pop(name, None)
        host = cls.sandbox.host()
        cls.run_cli("login", host["url"], "-u", "root", "--password-stdin", "--thumbprint",
                    host["thumbprint"], text=host["password"] + "\n")

    @classmethod
    def run_cli(cls, *arguments, text="", status=0, **environment):
        result = subprocess.run([PROGRAM, *arguments], input=text, capture_output=True, text=True,
                                env={**cls.environment, **environment}, timeout=120, check=False)
        if result.returncode != status:
            raise AssertionError(f"drover {' '.join(arguments)}: {result.returncode}\n"
                                 f"{result.stdout}{result.stderr}")
        return result.stdout if status == 0 else result.stderr

    def json(self, *arguments):
        return json.loads(self.run_cli(*arguments, "-o", "json"))

    def file(self, name, contents=b""):
        path = os.path.join(self.place.name, name)
        if contents:
            with open(path, "wb") as file:
                file.write(contents)
        return path

    def test_files_travel_whole(self):
        contents = os.urandom(5 << 20)
        local = self.file("some file.bin", contents)
        self.run_cli("file", "mkdir", "-p", "shared/cli/deep")
        self.run_cli("file", "put", local, "shared/cli/deep/")
        names = [row["name"] for row in self.json("file", "ls", "shared/cli/deep")]
        self.assertEqual(names, ["some file.bin"])
        self.assertIn("--force", self.run_cli("file", "put", local, "shared/cli/deep/", status=2))
        self.run_cli("file", "cp", "shared/cli/deep/some file.bin", "shared/cli/copy")
        self.run_cli("file", "mv", "shared/cli/copy", "[shared] cli/moved")
        back = self.file("back.bin")
        self.run_cli("file", "get", "shared/cli/moved", back)
        with open(back, "rb") as file:
            self.assertEqual(file.read(), contents)
        self.assertFalse(os.path.exists(back + ".part"))
        self.run_cli("file", "rm", "-y", "shared/cli")
        said = self.run_cli("file", "get", "shared/cli/moved", back, "-f", status=1)
        self.assertIn("no such file", said)
        with open(back, "rb") as file:
            self.assertEqual(file.read(), contents, "a failed download leaves the old file")

    def test_events_tell_what_happened(self):
        self.run_cli("vm", "create", "eventful", "--memory", "128M")
        self.run_cli("vm", "start", "eventful")
        self.run_cli("vm", "stop", "eventful")
        events = self.json("events", "vm:eventful", "--since", "10m", "-n", "100")
        types = [event["type"] for event in events]
        order = [types.index(name) for name in
                 ("VmCreatedEvent", "VmPoweredOnEvent", "VmPoweredOffEvent")]
        self.assertEqual(order, sorted(order), types)
        self.assertEqual({event["user"] for event in events if event["type"] == "VmPoweredOnEvent"},
                         {"root"})
        only = self.json("events", "--type", "VmPoweredOffEvent", "-n", "5")
        self.assertEqual({event["type"] for event in only}, {"VmPoweredOffEvent"})
        self.run_cli("vm", "destroy", "-y", "eventful")

    def test_events_follow(self):
        follower = subprocess.Popen([PROGRAM, "events", "-f", "-n", "1"], env=self.environment,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            time.sleep(1.0)
            self.run_cli("vm", "create", "followed", "--memory", "128M")
            for line in follower.stdout:
                if "VmCreatedEvent" in line:
                    break
            else:
                self.fail("the event did not come")
        finally:
            follower.kill()
            follower.wait()
            follower.stdout.close()
            self.run_cli("vm", "destroy", "-y", "followed")

    def test_counters(self):
        # A host that has just started has no sample yet.
        wait_until(lambda: self.json("perf", "--list", "host:host1"), 60, "a sample")
        names = [row["counter"] for row in self.json("perf", "--list", "host:host1")]
        self.assertIn("cpu.usage.average", names)
        rows = self.json("perf", "host:host1", "cpu.usage.average", "-n", "1")
        self.assertGreaterEqual(rows[0]["value"], 0)
        self.assertLessEqual(rows[0]["value"], 100)
        said = self.run_cli("perf", "host:host1", "cpu.nonsense.average", status=2)
        self.assertIn("--list", said)

    def test_a_user_may_what_the_role_says(self):
        self.run_cli("perm", "user", "add", "anna", "--password-stdin", text="Long-enough-1\n")
        anna = {"DROVER_URL": self.sandbox.host()["url"], "DROVER_USERNAME": "anna",
                "DROVER_PASSWORD": "Long-enough-1",
                "DROVER_THUMBPRINT": self.sandbox.host()["thumbprint"]}
        self.run_cli("perm", "set", "anna", "ReadOnly", "/")
        self.assertIn("demo", self.run_cli("vm", "list", **anna))
        self.assertIn("NoPermission", self.run_cli("vm", "create", "x", status=1, **anna))
        self.run_cli("perm", "role", "add", "starter", "VirtualMachine.Interact.PowerOn")
        self.assertIn("starter", self.run_cli("perm", "role", "list"))
        self.assertIn("VirtualMachine.Interact.PowerOn",
                      self.run_cli("perm", "role", "show", "starter"))
        self.assertIn("anna", self.run_cli("perm", "list", "/"))
        self.run_cli("perm", "remove", "anna", "/")
        self.run_cli("perm", "role", "remove", "starter")
        self.run_cli("perm", "user", "remove", "-y", "anna")
        self.assertNotIn("anna", self.run_cli("perm", "user", "list"))

    def test_logs(self):
        keys = [row["key"] for row in self.json("logs", "list")]
        self.assertIn("hostd", keys)
        lines = self.run_cli("logs", "show", "hostd", "-n", "20").splitlines()
        self.assertGreater(len(lines), 3)
        self.assertLessEqual(len(lines), 20)
        self.run_cli("logs", "bundle", self.place.name)
        bundles = [name for name in os.listdir(self.place.name) if re.search(r"\.tgz$", name)]
        self.assertEqual(len(bundles), 1)
        listed = subprocess.run(["tar", "tzf", os.path.join(self.place.name, bundles[0])],
                                capture_output=True, text=True, check=True).stdout
        self.assertIn("hostd", listed)

    def test_completion(self):
        self.assertIn("events", self.run_cli("__complete", "").splitlines())
        self.assertEqual(self.run_cli("__complete", "vm", "sta").split(), ["start"])
        self.assertEqual(self.run_cli("__complete", "vm", "info", "de").split(), ["demo"])
        self.assertIn("--memory", self.run_cli("__complete", "vm", "create", "--m").split())
        script = self.run_cli("completion", "bash")
        done = subprocess.run(
            ["bash", "-c", script + "\nCOMP_WORDS=(drover vm info d) COMP_CWORD=3; "
             f"PATH={os.path.dirname(os.path.realpath(PROGRAM))}:$PATH; _drover; "
             "echo \"${COMPREPLY[@]}\""],
            env=self.environment, capture_output=True, text=True, check=True).stdout
        self.assertEqual(done.strip(), "demo")


if __name__ == "__main__":
    unittest.main()
