#!/usr/bin/python3
"""Sandboxes come, go, stand beside each other, and clean up whatever is killed."""

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import time
import unittest

import sandbox_fixture as fixture
from drover_sandbox import ledger, network, system
from drover_sandbox import plan as plans


class LifeTest(unittest.TestCase):
    def sandbox(self, environment=None):
        made = fixture.Sandbox(environment)
        self.addCleanup(made.close)
        return made


class UpAndDown(LifeTest):
    def test_leaves_nothing(self):
        sandbox = self.sandbox()
        began = time.monotonic()
        sandbox.up(hosts=3)
        print(f"\nthree hosts up in {time.monotonic() - began:.1f} s", flush=True)
        self.assertTrue(sandbox.leftovers())
        sandbox.run("down")
        self.assertEqual([], sandbox.leftovers())
        self.assertIn("there is no sandbox", sandbox.run("down").stdout)

    def test_up_twice_is_one_sandbox(self):
        sandbox = self.sandbox()
        sandbox.up(hosts=2)
        before = [host.pid for host in sandbox.plan.hosts]
        self.assertIn("up already", sandbox.up(hosts=2).stderr)
        self.assertEqual(before, [host.pid for host in sandbox.plan.hosts])

    def test_two_beside_each_other(self):
        first, second = self.sandbox(), self.sandbox()
        starts = [item.spawn("up", "--hosts", "2", "--no-hostd") for item in (first, second)]
        self.assertEqual([0, 0], [process.wait(90) for process in starts])
        addresses = [host["address"] for item in (first, second)
                     for host in item.status()["hosts"]]
        self.assertEqual(4, len(set(addresses)), addresses)
        self.assertNotEqual(first.status()["hosts"][0]["password"],
                            second.status()["hosts"][0]["password"])
        uuids = {item.inside(host, "virsh", "capabilities").split("<uuid>")[1][:36]
                 for item in (first, second) for host in ("host1", "host2")}
        self.assertEqual(4, len(uuids))
        first.run("down")
        self.assertEqual([], first.leftovers())
        self.assertEqual("host2", second.inside("host2", "virsh", "hostname"))

    def test_status_shape(self):
        sandbox = self.sandbox()
        sandbox.up()
        status = sandbox.status()
        self.assertEqual(["hosts", "center", "datastore", "guest_template"], list(status))
        host = status["hosts"][0]
        self.assertEqual(["name", "address", "url", "username", "password", "thumbprint"],
                         list(host))
        self.assertEqual(f"https://{host['address']}/sdk", host["url"])
        self.assertEqual((None, "shared", "demo"),
                         (status["center"], status["datastore"], status["guest_template"]))

    def test_secrets_are_for_root_alone(self):
        sandbox = self.sandbox()
        sandbox.up()
        mode = os.stat(ledger.path(sandbox.name)).st_mode
        self.assertEqual(0o600, stat.S_IMODE(mode))
        password = sandbox.plan.password
        for directory, _, files in os.walk(sandbox.plan.directory):
            for file in files:
                path = os.path.join(directory, file)
                with open(path, "rb") as content:
                    if password.encode() in content.read(1 << 20):
                        self.assertEqual(ledger.path(sandbox.name), path)

    def test_refuses_bad_words(self):
        sandbox = self.sandbox()
        for arguments in (("up", "--hosts", "0"), ("up", "--hosts", "17"),
                          ("up", "--cpus", "nan"), ("up", "--name", "../x"),
                          ("up", "--name", "a" * 21), ("exec", "host1", "true"), ("status",)):
            result = sandbox.run(*arguments, check=False)
            self.assertNotEqual(0, result.returncode, arguments)
            self.assertNotIn("Traceback", result.stderr)
        self.assertEqual([], sandbox.leftovers())

    def test_missing_hostd_is_said_clearly(self):
        sandbox = self.sandbox({"DROVER_BIN_DIR": "/nonexistent", "PATH": "/usr/sbin:/usr/bin"})
        if os.path.exists(os.path.join(fixture.SOURCE, "..", "build", "bin", "drover-hostd")):
            self.skipTest("drover-hostd is built")
        result = sandbox.run("up", check=False)
        self.assertEqual(1, result.returncode)
        self.assertIn("DROVER_BIN_DIR", result.stderr)
        self.assertEqual([], sandbox.leftovers())


class Killed(LifeTest):
    def kill(self, process):
        self.assertTrue(system.kill_and_wait(*process))

    def test_one_supervisor(self):
        sandbox = self.sandbox()
        sandbox.up(hosts=2)
        host = sandbox.plan.hosts[1]
        self.kill((host.pid, host.start_ticks))
        self.assertIn("host2   off", sandbox.run("status").stdout)
        self.assertEqual("host1", sandbox.inside("host1", "virsh", "hostname"))
        sandbox.run("start", "host2")
        self.assertEqual("host2", sandbox.inside("host2", "virsh", "hostname"))

    def test_all_supervisors(self):
        sandbox = self.sandbox()
        sandbox.up(hosts=2)
        for host in sandbox.plan.hosts:
            self.kill((host.pid, host.start_ticks))
        self.assertEqual([], sandbox.wait_until_gone())

    def test_one_that_is_kept_stays_when_all_its_hosts_have_died(self):
        sandbox = self.sandbox()
        sandbox.up("--keep", hosts=2)
        for host in sandbox.plan.hosts:
            self.kill((host.pid, host.start_ticks))
        time.sleep(2.5)
        self.assertIn("host1   off", sandbox.run("status").stdout)
        sandbox.run("start", "host1")
        self.assertEqual("host1", sandbox.inside("host1", "virsh", "hostname"))

    def test_a_host_sees_what_is_mounted_in_front_of_the_datastore(self):
        sandbox = self.sandbox()
        sandbox.up("--keep", hosts=1)
        sandbox.run("kill", "host1")
        front = sandbox.plan.front_directory(sandbox.plan.hosts[0])
        os.makedirs(front)
        system.mount("tmpfs", front, "tmpfs")
        with open(os.path.join(front, "seen"), "w", encoding="ascii"):
            pass
        sandbox.run("start", "host1")
        self.assertEqual("seen", sandbox.inside("host1", "ls", sandbox.plan.datastore_directory))

    def test_hosts_switched_off_on_purpose_stay(self):
        sandbox = self.sandbox()
        sandbox.up(hosts=2)
        for name in ("host1", "host2"):
            sandbox.run("kill", name)
        time.sleep(2.5)
        self.assertIn("host1   off", sandbox.run("status").stdout)
        sandbox.run("start", "host1")
        self.assertEqual("host1", sandbox.inside("host1", "virsh", "hostname"))

    def test_up_in_the_middle(self):
        for pause_s in (0.15, 0.3, 0.5, 0.7, 0.9, 1.2, 1.6, 2.2):
            with self.subTest(pause_s=pause_s):
                sandbox = self.sandbox()
                process = sandbox.spawn("up", "--hosts", "3", "--no-hostd")
                time.sleep(pause_s)
                process.kill()
                process.wait()
                if not (sandbox.plan and sandbox.plan.ready):
                    self.assertEqual([], sandbox.wait_until_gone())
                sandbox.close()
                self.assertEqual([], sandbox.leftovers())

    def test_up_in_the_foreground(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number=number):
                sandbox = self.sandbox()
                process = sandbox.spawn("up", "--hosts", "1", "--no-hostd", "--foreground")
                self.assertIsNotNone(fixture.wait_for(
                    lambda box=sandbox: box.plan and box.plan.ready, 30))
                time.sleep(0.3)
                process.send_signal(number)
                process.wait(30)
                self.assertEqual([], sandbox.wait_until_gone())

    def test_watcher(self):
        sandbox = self.sandbox()
        sandbox.up()
        first = sandbox.plan.watcher
        self.kill(first)
        sandbox.up()  # mends it
        second = sandbox.plan.watcher
        self.assertNotEqual(first, second)
        self.assertTrue(system.alive(*second))
        self.kill(second)
        sandbox.run("down")
        self.assertEqual([], sandbox.leftovers())

    def test_everything_and_the_ledger_cut_short(self):
        sandbox = self.sandbox()
        sandbox.up(hosts=2)
        plan = sandbox.plan
        self.kill(plan.watcher)
        self.kill((plan.hosts[0].pid, plan.hosts[0].start_ticks))
        with open(ledger.path(sandbox.name), "r+b") as file:
            file.truncate(100)
        self.assertTrue(sandbox.leftovers())
        sandbox.up()  # clears the remains first
        self.assertEqual("host1", sandbox.inside("host1", "virsh", "hostname"))
        sandbox.run("down")
        self.assertEqual([], sandbox.leftovers())

    def test_dnsmasq_comes_back(self):
        sandbox = self.sandbox()
        sandbox.up()
        first = sandbox.plan.dnsmasq
        self.kill(first)
        self.assertIsNotNone(fixture.wait_for(
            lambda: sandbox.plan.dnsmasq != first and system.alive(*sandbox.plan.dnsmasq), 10))

    def test_libvirtd_comes_back(self):
        sandbox = self.sandbox()
        sandbox.up()
        first = sandbox.inside("host1", "cat", "/run/libvirt/libvirtd.pid")
        sandbox.inside("host1", "kill", "-9", first)
        self.assertIsNotNone(fixture.wait_for(
            lambda: sandbox.run("exec", "host1", "virsh", "hostname",
                                check=False).stdout.strip() == "host1", 15))
        self.assertNotEqual(first, sandbox.inside("host1", "cat", "/run/libvirt/libvirtd.pid"))


class Isolation(LifeTest):
    def test_migration_network_is_for_hosts_alone(self):
        sandbox = self.sandbox()
        sandbox.up(hosts=2)
        plan = sandbox.plan
        target = plan.migration_address(plan.hosts[0])
        self.assertEqual("host1", sandbox.inside(
            "host2", "virsh", "-c", f"qemu+tcp://{target}/system", "hostname"))
        # A guest can send packets for that address to the host's own; so can we, with a route.
        system.run("ip", "route", "add", f"{target}/32", "via", plan.address(plan.hosts[0]))
        with self.assertRaises(OSError):
            socket.create_connection((target, 16509), timeout=2)
        with self.assertRaises(OSError):
            socket.create_connection((plan.address(plan.hosts[0]), 16509), timeout=2)

    def test_hosts_have_their_own_world(self):
        sandbox = self.sandbox()
        sandbox.up(hosts=2)
        self.assertEqual("host2", sandbox.inside("host2", "hostname"))
        self.assertEqual({"lo", "vSwitch0", "uplink0", "migration0"},
                         set(sandbox.inside("host2", "ls", "/sys/class/net").split()))
        self.assertEqual("1", sandbox.inside("host2", "pidof", "-s", "-x", "drover-sandbox"))
        for place in ("/run", "/etc/libvirt", "/var/lib/libvirt"):
            sandbox.inside("host1", "touch", f"{place}/mine")
            self.assertEqual("", sandbox.inside("host2", "sh", "-c", f"ls {place} | grep mine",
                                                check=False))
            self.assertFalse(os.path.exists(f"{place}/mine"))
        self.assertEqual(7, sandbox.run("exec", "host1", "sh", "-c", "exit 7",
                                        check=False).returncode)

    def test_unprivileged_user_reaches_libvirt(self):
        sandbox = self.sandbox()
        sandbox.up()
        drover = ["setpriv", "--reuid=drover", "--regid=drover", "--clear-groups"]
        self.assertEqual("host1", sandbox.inside("host1", *drover, "virsh", "-c",
                                                 "qemu:///system", "hostname"))
        nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        self.assertNotEqual(0, sandbox.run("exec", "host1", *nobody, "virsh", "-c",
                                           "qemu:///system", "hostname", check=False).returncode)


class HostdContract(LifeTest):
    """With doubles of hostd and rootd, which tell how they were started."""

    def setUp(self):
        self.box = self.sandbox({"DROVER_BIN_DIR": os.path.join(fixture.HERE, "doubles")})
        self.box.run("up", "--hosts", "2", "--no-center", "--cpus", "0.5", "--memory", "512",
                     "--no-template")

    def ask(self, host):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection((host["address"], 443), timeout=10) as connection:
            with context.wrap_socket(connection) as stream:
                certificate = stream.getpeercert(binary_form=True)
                stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
                with stream.makefile("rb") as answer:
                    while answer.readline() not in (b"\r\n", b""):
                        pass
                    return json.loads(answer.read()), certificate

    def test_hostd(self):
        host = self.box.status()["hosts"][1]
        answer, certificate = self.ask(host)
        plan = self.box.plan
        self.assertNotIn(0, (answer["uid"], answer["gid"]))
        self.assertEqual([], answer["groups"])
        self.assertEqual({"0000000000000000"}, set(answer["capabilities"]))
        self.assertEqual("1", answer["no_new_privs"])
        digest = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-fingerprint",
                                 "-sha1"], input=certificate, capture_output=True, check=True)
        self.assertEqual(host["thumbprint"], digest.stdout.decode().strip().partition("=")[2])
        config = answer["config"]
        self.assertEqual(("host2", host["address"], 0.5, 512 << 20, f"/drover-{plan.name}/host2"),
                         tuple(config[key] for key in ("host_name", "management_address",
                                                       "cpu_cores", "memory_bytes",
                                                       "cgroup_partition")))
        self.assertEqual([{"name": "shared", "path": plan.datastore_directory}],
                         config["datastores"])
        self.assertEqual([{"name": "VM Network", "bridge": "vSwitch0"}], config["networks"])
        with open(os.path.join(config["state_directory"], "account"), encoding="utf-8") as file:
            self.assertEqual(f"root:{host['password']}", file.read())

    def test_no_connection_is_refused_while_hostd_restarts(self):
        host = self.box.status()["hosts"][0]
        pids = []
        for _ in range(3):
            answer, certificate = self.ask(host)
            pids.append(answer["pid"])
            # Until it is dead it may still accept a connection, and take it down with it.
            self.box.inside("host1", "sh", "-c", f"kill -9 {answer['pid']}; "
                            f"while kill -0 {answer['pid']} 2>/dev/null; do sleep 0.02; done")
        self.assertEqual(3, len(set(pids)))
        answer, again = self.ask(host)
        self.assertNotIn(answer["pid"], pids)
        self.assertEqual(certificate, again)

    def test_kill_and_start(self):
        host = self.box.status()["hosts"][0]
        self.box.run("kill", "host1")
        with self.assertRaises(OSError):
            socket.create_connection((host["address"], 443), timeout=1)
        self.box.run("start", "host1")
        self.ask(host)
        self.assertEqual(host, self.box.status()["hosts"][0])


class Names(unittest.TestCase):
    def test_interface_names_fit(self):
        plan = plans.Plan("x" * 20, 127, 254, 1.0, 1, "", False)
        host = plans.Host(16, "")
        for name in (plan.bridge, plan.migration_bridge, plan.uplink(host),
                     plan.migration_uplink(host)):
            self.assertLessEqual(len(name), 15, name)

    def test_networks_of_this_machine_are_avoided(self):
        first = network.choose("any")
        self.assertEqual(first, network.choose("any"))
        taken = network._used_networks()
        self.assertTrue(all(not str(item).startswith(f"10.{first[0]}.{first[1]}.")
                            for item in taken))

    def test_ledger_keeps_its_value(self):
        plan = plans.Plan("a", 64, 2, 0.5, 1 << 30, "secret", True,
                          [plans.Host(1, "u", 7, 8, True)], plans.Host(plans.CENTER_NUMBER, "c"),
                          8443, True, [1, 2], [3, 4], [5, 6])
        self.assertEqual(plan, plans.Plan.from_json(json.loads(json.dumps(plan.to_json()))))
        for broken in ({}, {"hosts": [1]}, [], {"hosts": [], "name": "../x", "net_a": 1,
                                                "net_b": 1, "cpu_cores": 1, "memory_bytes": 1,
                                                "password": "", "hostd": True}):
            with self.assertRaises((TypeError, KeyError, ValueError, RuntimeError)):
                plans.Plan.from_json(broken)


if __name__ == "__main__":
    unittest.main(verbosity=2)
