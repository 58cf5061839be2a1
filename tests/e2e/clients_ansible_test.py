#!/usr/bin/python3
"""Ansible's community.vmware modules that address a host: the playbooks in clients/ansible.

Ansible takes a second or more for each task: the quick playbooks run always, the others where
DROVER_SLOW_TESTS is set.
"""

import os
import subprocess
import tempfile
import unittest

from drover_e2e import Sandbox

_PLAYBOOKS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "clients", "ansible")
_SLOW = unittest.skipUnless(os.environ.get("DROVER_SLOW_TESTS"),
                            "takes minutes: DROVER_SLOW_TESTS=1")


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


class Ansible(unittest.TestCase):
    def play(self, name):
        entry = SANDBOX.host()
        with tempfile.TemporaryDirectory() as directory:
            settings = {
                "VMWARE_HOST": entry["address"], "VMWARE_USER": entry["username"],
                "VMWARE_PASSWORD": entry["password"], "VMWARE_VALIDATE_CERTS": "false",
                "ANSIBLE_HOME": directory, "ANSIBLE_LOCAL_TEMP": directory,
                "ANSIBLE_REMOTE_TEMP": directory, "ANSIBLE_NOCOLOR": "1",
                "PYTHONPATH": os.path.join(_PLAYBOOKS, "python"), "PYTHONDONTWRITEBYTECODE": "1",
            }
            result = subprocess.run(
                ["ansible-playbook", "-i", "localhost,", "-c", "local",
                 os.path.join(_PLAYBOOKS, name + ".yml")],
                capture_output=True, text=True, check=False, timeout=600,
                env={**os.environ, **settings})
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)

    def test_about(self):
        self.play("about")

    def test_machine(self):
        self.play("machine")

    @_SLOW
    def test_devices(self):
        self.play("devices")

    @_SLOW
    def test_files(self):
        self.play("files")

    @_SLOW
    def test_host(self):
        self.play("host")


if __name__ == "__main__":
    unittest.main(verbosity=2)
