#!/usr/bin/python3
"""RbVmomi, the Ruby client, against a host: clients/rbvmomi_flow.rb."""

import os
import subprocess
import unittest

from drover_e2e import Sandbox

_FLOW = os.path.join(os.path.dirname(os.path.realpath(__file__)), "clients", "rbvmomi_flow.rb")


class RbVmomi(unittest.TestCase):
    def test_flow(self):
        with Sandbox() as sandbox:
            entry = sandbox.host()
            result = subprocess.run(
                ["ruby", _FLOW, entry["address"], entry["username"], entry["password"]],
                capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
