#!/usr/bin/python3
"""govmomi, the library under govc: clients/govmomi_flow does what govc's commands do."""

import os
import subprocess
import tempfile
import unittest
import urllib.parse

from drover_e2e import Sandbox

_SOURCES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "clients", "govmomi_flow")
# Debian's package golang-github-vmware-govmomi-dev puts the library here.
_GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "-trimpath"}


class Govmomi(unittest.TestCase):
    def test_flow(self):
        with tempfile.TemporaryDirectory() as directory, Sandbox() as sandbox:
            program = os.path.join(directory, "govmomi_flow")
            # A first build takes its time; later ones come from Go's cache.
            subprocess.run(["go", "build", "-o", program, "."], cwd=_SOURCES, check=True,
                           env={**os.environ, **_GO}, timeout=900)
            entry = sandbox.host()
            password = urllib.parse.quote(entry["password"], safe="")
            result = subprocess.run(
                [program, f"https://{entry['username']}:{password}@{entry['address']}/sdk"],
                capture_output=True, text=True, check=False, timeout=240)
            wrong = [line for line in result.stdout.splitlines() if line.startswith("wrong: ")]
            self.assertEqual([], wrong)
            self.assertEqual(0, result.returncode, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
