#!/usr/bin/python3
"""Ansible's community.vmware at a center of real hosts: clients/ansible/center.yml.

It takes minutes: it runs where DROVER_SLOW_TESTS is set.

    DROVER_SLOW_TESTS=1 DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_ansible_test.py
"""

import json
import os
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from pyVim.connect import Disconnect, SmartConnect  # noqa: E402

from drover_e2e import Sandbox  # noqa: E402

_PLAYBOOKS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "clients", "ansible")


@unittest.skipUnless(os.environ.get("DROVER_SLOW_TESTS"), "takes minutes: DROVER_SLOW_TESTS=1")
class Ansible(unittest.TestCase):
    def test_center(self):
        sandbox = Sandbox(hosts=2, arguments=("--center", "--cpus", "1", "--no-template"))
        self.addCleanup(sandbox.close)
        entry = sandbox.status["center"]
        instance = SmartConnect(host=entry["address"], user=entry["username"],
                                pwd=entry["password"],
                                sslContext=ssl._create_unverified_context())
        datacenter = instance.content.rootFolder.childEntity[0]
        facts = {"host1": sandbox.host("host1")["address"],
                 "host2": sandbox.host("host2")["address"],
                 "host_user": sandbox.host("host1")["username"],
                 "host_password": sandbox.host("host1")["password"],
                 "old_datacenter": datacenter.name,
                 "old_cluster": datacenter.hostFolder.childEntity[0].name}
        Disconnect(instance)
        with tempfile.TemporaryDirectory() as directory:
            settings = {
                "VMWARE_HOST": entry["address"], "VMWARE_USER": entry["username"],
                "VMWARE_PASSWORD": entry["password"], "VMWARE_VALIDATE_CERTS": "false",
                "ANSIBLE_HOME": directory, "ANSIBLE_LOCAL_TEMP": directory,
                "ANSIBLE_REMOTE_TEMP": directory, "ANSIBLE_NOCOLOR": "1",
                "PYTHONPATH": os.path.join(_PLAYBOOKS, "python"), "PYTHONDONTWRITEBYTECODE": "1",
            }
            result = subprocess.run(
                ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", json.dumps(facts),
                 os.path.join(_PLAYBOOKS, "center.yml")],
                capture_output=True, text=True, check=False, timeout=900,
                env={**os.environ, **settings})
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
