#!/usr/bin/python3
"""What keeps a center alive: backup and restore, its certificate, logs, support bundles and the
audit log, by the command line and the API.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_operations_test.py
"""

import base64
import http.client
import io
import json
import os
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
from pyVim.connect import SmartConnect  # noqa: E402
from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import wait_task, wait_until  # noqa: E402
from drover_e2e.center import CenterWorld, close_session  # noqa: E402

WORLD = None
_ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
_DROVER = os.path.join(os.environ.get("DROVER_BIN_DIR", os.path.join(_ROOT, "build", "bin")),
                       "drover")


def setUpModule():
    global WORLD
    WORLD = CenterWorld(1, 2)
    try:
        si = WORLD.connect()
        host = WORLD.hosts[0]
        folder = si.content.rootFolder.CreateDatacenter("dc").hostFolder
        spec = vim.host.ConnectSpec(hostName=f"{host.address}:{host.port}", userName=host.user,
                                    password=host.password, force=False)
        try:
            wait_task(folder.AddStandaloneHost_Task(spec, None, True))
        except vim.fault.SSLVerifyFault as fault:
            spec.sslThumbprint = fault.thumbprint
        wait_task(folder.AddStandaloneHost_Task(spec, None, True))
        close_session(si)
    except BaseException:
        print(WORLD.center.log())
        WORLD.close()
        raise


def tearDownModule():
    WORLD.close()


def request(method, path, body=None, user=None, password=None):
    center = WORLD.center
    login = f"{user or center.user}:{password or center.password}"
    asked = urllib.request.Request(
        f"https://{center.address}:{center.port}{path}", data=body, method=method,
        headers={"Authorization": "Basic " + base64.b64encode(login.encode()).decode()})
    with urllib.request.urlopen(asked, timeout=60,
                                context=ssl._create_unverified_context()) as answer:
        return answer.status, answer.read()


def fingerprint():
    pem = ssl.get_server_certificate((WORLD.center.address, WORLD.center.port))
    return ssl.PEM_cert_to_DER_cert(pem)


class OperationsCase(unittest.TestCase):
    def setUp(self):
        self.login()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def login(self):
        self.si = WORLD.connect()
        self.addCleanup(close_session, self.si)
        self.content = self.si.content
        # A backup that was made while folders came and went may have one of them.
        self.datacenter, = [item for item in self.content.rootFolder.childEntity
                            if isinstance(item, vim.Datacenter)]
        self.host = self.datacenter.hostFolder.childEntity[0].host[0]

    def drover(self, *command, fails=False):
        center = WORLD.center
        result = subprocess.run(
            [_DROVER, *command], capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "DROVER_URL": f"https://{center.address}:{center.port}",
                 "DROVER_USERNAME": center.user, "DROVER_PASSWORD": center.password,
                 "DROVER_INSECURE": "1", "HOME": self.directory})
        self.assertEqual(fails, result.returncode != 0, result.stdout + result.stderr)
        return result.stderr if fails else result.stdout

    def path(self, name):
        return os.path.join(self.directory, name)


class Backups(OperationsCase):
    def test_backup_and_restore(self):
        before = {item.name for item in self.datacenter.vmFolder.childEntity}
        folder = self.datacenter.vmFolder.CreateFolder("kept")
        stop = threading.Event()

        def change():
            si = WORLD.connect()
            root = si.content.rootFolder
            while not stop.is_set():
                wait_task(root.CreateFolder("busy").Destroy_Task())
            close_session(si)

        changer = threading.Thread(target=change)
        changer.start()
        try:
            said = self.drover("center", "backup", self.path("b.tgz"))
        finally:
            stop.set()
            changer.join()
        self.assertIn("secrets", said)
        self.assertEqual(0o600, os.stat(self.path("b.tgz")).st_mode & 0o7777)
        with tarfile.open(self.path("b.tgz")) as backup:
            names = {name.partition("/")[2] for name in backup.getnames()}
            manifest = json.load(backup.extractfile("drover-center-backup/manifest.json"))
        self.assertLessEqual({"centerd.db", "history.db", "tls/key.pem", "settings.json",
                              "SHA256SUMS"}, names)
        self.assertNotIn("performance.db", names)
        self.assertEqual(("center.test", 1), (manifest["name"], manifest["version"]))
        self.assertIn("exists", self.drover("center", "backup", self.path("b.tgz"), fails=True))
        self.drover("center", "backup", "--figures", "--force", self.path("b2.tgz"))

        # What comes after it goes with the restore, what was taken away comes back.
        wait_task(folder.Destroy_Task())
        self.content.rootFolder.CreateFolder("later")
        restored = self.drover("center", "restore", "--yes", self.path("b.tgz"))
        self.assertIn("center.test", restored)
        self.assertEqual(0, WORLD.center._process.wait(30))
        WORLD.center.start()
        self.login()
        self.assertNotIn("later", {item.name for item in self.content.rootFolder.childEntity})
        wait_until(lambda: self.host.runtime.connectionState == "connected", 20, "the host")
        self.assertEqual(before | {"kept"},
                         {item.name for item in self.datacenter.vmFolder.childEntity})
        state = os.path.join(WORLD.center.directory, "state")
        self.assertTrue([name for name in os.listdir(state) if name.startswith("before-restore-")])
        self.assertEqual([], [name for name in os.listdir(state) if name.startswith(".")])

    def test_what_is_no_backup_changes_nothing(self):
        with open(self.path("bad.tgz"), "wb") as file:
            file.write(os.urandom(50_000))
        said = self.drover("center", "restore", "--yes", self.path("bad.tgz"), fails=True)
        self.assertIn("no backup of a center", said)
        with open(self.path("short.tgz"), "wb") as file:
            file.write(request("GET", "/center/backup")[1][:-100])
        self.drover("center", "restore", "--yes", self.path("short.tgz"), fails=True)
        self.assertTrue(self.si.CurrentTime())

    def test_without_a_login_there_is_nothing(self):
        for method, path in (("GET", "/center/backup"), ("PUT", "/center/restore"),
                             ("PUT", "/center/certificate"), ("GET", "/downloads/x")):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                request(method, path, b"x" if method == "PUT" else None, password="wrong")
            self.assertEqual(401, refused.exception.code)
            refused.exception.close()


class Certificate(OperationsCase):
    def make(self, name, days="30"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", days,
                        "-subj", f"/CN={name}", "-keyout", self.path(name + ".key"), "-out",
                        self.path(name + ".pem")], check=True, capture_output=True, timeout=60)

    def test_it_is_replaced_while_connections_go_on(self):
        former = fingerprint()
        self.make("new")
        self.make("other")
        open_link = http.client.HTTPSConnection(WORLD.center.address, WORLD.center.port,
                                                context=ssl._create_unverified_context())
        self.addCleanup(open_link.close)
        open_link.request("GET", "/")
        open_link.getresponse().read()
        wrong = self.drover("center", "certificate", "install", self.path("new.pem"),
                            self.path("other.key"), fails=True)
        self.assertIn("key", wrong)
        self.assertEqual(former, fingerprint())
        said = self.drover("center", "certificate", "install", self.path("new.pem"),
                           self.path("new.key"))
        self.assertIn("CN=new", said)
        self.assertNotEqual(former, fingerprint())
        open_link.request("GET", "/sdk/vimServiceVersions.xml")
        self.assertEqual(200, open_link.getresponse().status)
        self.assertTrue(self.si.CurrentTime())
        self.assertEqual("connected", self.host.runtime.connectionState)
        now = fingerprint()
        WORLD.center.restart()
        self.assertEqual(now, fingerprint())
        self.login()
        wait_until(lambda: self.host.runtime.connectionState == "connected", 20, "the host")


class Logs(OperationsCase):
    def test_the_centers_and_a_hosts(self):
        manager = self.content.diagnosticManager
        self.assertEqual(["vpxd:vpxd.log"], [log.key for log in manager.QueryDescriptions()])
        self.assertIn("hostd", [log.key for log in manager.QueryDescriptions(self.host)])
        own = manager.BrowseDiagnosticLog(None, "vpxd:vpxd.log", 1, 5)
        self.assertEqual((1, 5), (own.lineStart, len(own.lineText)))
        there = manager.BrowseDiagnosticLog(self.host, "hostd", 1, 3)
        self.assertEqual(3, len(there.lineText))
        self.assertNotEqual(own.lineText[:3], there.lineText)
        self.assertTrue(self.drover("logs", "show", "vpxd:vpxd.log", "-n", "3").strip())
        self.assertIn("hostd", self.drover("logs", "list", "--host", self.host.name))

    def test_bundles(self):
        bundles = wait_task(self.content.diagnosticManager.GenerateLogBundles_Task(
            True, [self.host]))
        self.assertEqual([None, self.host], [bundle.system for bundle in bundles])
        contents = []
        for bundle in bundles:
            path = bundle.url[bundle.url.index("/downloads/"):]
            _, packed = request("GET", path)
            with tarfile.open(fileobj=io.BytesIO(packed)) as opened:
                contents.append({name.partition("/")[2] for name in opened.getnames()})
        self.assertLessEqual({"versions.txt", "hosts.txt", "log/centerd.log"}, contents[0])
        self.assertLessEqual({"host.txt", "log/hostd.log"}, contents[1])
        self.drover("logs", "bundle", self.directory, "--host", self.host.name)
        self.assertEqual(2, len([n for n in os.listdir(self.directory) if n.endswith(".tgz")]))


class ServiceTickets(OperationsCase):
    """Files go straight to a host with its own ticket, which the center gets for its caller."""

    def send(self, method, base, path, ticket, body=None, **headers):
        asked = urllib.request.Request(base + path, data=body, method=method, headers={
            "Cookie": f"vmware_cgi_ticket={ticket.id}", **headers})
        with urllib.request.urlopen(asked, timeout=30,
                                    context=ssl._create_unverified_context()) as answer:
            return answer.status, answer.read()

    def ticket(self, method, url):
        return self.content.sessionManager.AcquireGenericServiceTicket(
            vim.SessionManager.HttpServiceRequestSpec(method=method, url=url))

    def test_up_by_the_host_and_down_by_the_center(self):
        host, center = WORLD.hosts[0], WORLD.center
        there = f"https://{host.address}:{host.port}"
        here = f"https://{center.address}:{center.port}"
        path = "/folder/straight.bin?dsName=local1"
        up = self.ticket("httpPut", there + path)
        self.assertEqual(host.address, up.hostName)
        self.assertTrue(up.sslThumbprint)
        self.assertEqual(201, self.send("PUT", there, path, up, b"0123456789")[0])
        with self.assertRaises(urllib.error.HTTPError) as again:
            self.send("PUT", there, path, up, b"x")
        self.assertEqual(401, again.exception.code)
        again.exception.close()
        path += "&dcPath=dc"
        down = self.ticket("httpGet", here + path)
        self.assertEqual((206, b"789"), self.send("GET", here, path, down, Range="bytes=7-"))
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.ticket("httpGet", there + "/folder/x?dsName=nowhere")


class Audit(OperationsCase):
    def lines(self, daemon):
        path = os.path.join(daemon.directory, "state", "log", "audit.jsonl")
        self.assertEqual(0o600, os.stat(path).st_mode & 0o7777)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for secret in (WORLD.center.password, WORLD.hosts[0].password, "hidden secret"):
            self.assertNotIn(secret, text)
        return [json.loads(line) for line in text.splitlines()]

    def test_who_did_what(self):
        with self.assertRaises(vim.fault.InvalidLogin):
            SmartConnect(host=WORLD.center.address, port=WORLD.center.port, user="mallory",
                         pwd="hidden secret", sslContext=ssl._create_unverified_context())
        machine = self.datacenter.vmFolder.childEntity[0]
        wait_task(machine.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=[
            vim.option.OptionValue(key="guestinfo.userdata", value="hidden secret")])))
        accounts = self.content.accountManager
        accounts.CreateUser(vim.host.LocalAccountManager.AccountSpecification(
            id="alice", password="hidden secret", description=""))
        self.content.authorizationManager.SetEntityPermissions(
            self.datacenter, [vim.AuthorizationManager.Permission(
                principal="alice", group=False, roleId=-2, propagate=True)])
        accounts.RemoveUser("alice")
        time.sleep(0.1)

        def told(daemon, method, **facts):
            found = [line for line in self.lines(daemon) if line.get("method") == method
                     and all(line.get(key) == value for key, value in facts.items())]
            self.assertTrue(found, method)
            return found[-1]

        center = WORLD.center
        wrong = told(center, "Login", result="InvalidLogin")
        self.assertEqual("mallory", wrong["parameters"]["userName"])
        self.assertEqual("127.0.0.1", wrong["from"])
        told(center, "Login", result="ok")
        change = told(center, "ReconfigVM_Task", user=center.user, result="ok", name=machine.name)
        told(center, "CreateUser", result="ok")
        granted = told(center, "SetEntityPermissions", result="ok")
        self.assertEqual(f"Datacenter:{self.datacenter._moId}", granted["parameters"]["entity"])
        self.assertEqual("alice", granted["parameters"]["permission"][0]["principal"])
        told(center, "RemoveUser")
        ended = [line for line in self.lines(center) if line.get("task") == change["gave"]]
        self.assertEqual(["ok"], [line["result"] for line in ended])
        # On the host it was the center's account.
        there = told(WORLD.hosts[0], "ReconfigVM_Task", name=machine.name)
        self.assertTrue(there["user"].startswith("drover-center-"))
        self.assertFalse([line for line in self.lines(center)
                          if line.get("method", "").startswith(("Retrieve", "Wait"))])


if __name__ == "__main__":
    unittest.main(verbosity=2)
