#!/usr/bin/python3
"""VI/JSON over plain HTTP: sessions, properties, methods, filters and waits, a task, faults, gating
by the release in the path."""

import gzip
import json
import ssl
import threading
import unittest
import urllib.error
import urllib.request

from drover_e2e import Sandbox, connect, make_spec, wait_task


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


class Client:
    def __init__(self, entry, release="8.0.3.0"):
        self.base = f"https://{entry['address']}/sdk/vim25/"
        self.release = release
        self.session = None
        self.context = ssl._create_unverified_context()

    def send(self, verb, path, body=None, release=None, headers=None):
        """Returns (status, headers, value)."""
        request = urllib.request.Request(f"{self.base}{release or self.release}/{path}",
                                         method=verb)
        if self.session:
            request.add_header("vmware-api-session-id", self.session)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if body is not None:
            request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
            if not request.has_header("Content-type"):
                request.add_header("Content-Type", "application/json")
        try:
            answer = urllib.request.urlopen(request, context=self.context, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            text = gzip.decompress(text)
        return answer.status, answer.headers, json.loads(text) if text else None

    def call(self, reference, method, **parameters):
        status, _, value = self.send("POST", f"{path_of(reference)}/{method}", parameters)
        if status not in (200, 204):
            raise AssertionError(f"{method}: {status} {value}")
        return value

    def get(self, reference, name):
        status, _, value = self.send("GET", f"{path_of(reference)}/{name}")
        if status not in (200, 204):
            raise AssertionError(f"{name}: {status} {value}")
        return value

    def login(self, entry):
        status, headers, user = self.send("POST", "SessionManager/ha-sessionmgr/Login",
                                          {"userName": entry["username"],
                                           "password": entry["password"]})
        if status != 200:
            raise AssertionError(f"Login: {status} {user}")
        self.session = headers["vmware-api-session-id"]
        return user


def path_of(reference):
    return f"{reference['type']}/{reference['value']}"


def moref(kind, value):
    return {"_typeName": "ManagedObjectReference", "type": kind, "value": value}


class Json(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.entry = SANDBOX.host()
        cls.host = connect(SANDBOX)
        cls.addClassCleanup(cls.host.close)
        made = wait_task(cls.host.create(make_spec("json1")))
        cls.addClassCleanup(lambda: wait_task(made.Destroy_Task()))
        cls.machine = moref("VirtualMachine", made._moId)

    def setUp(self):
        self.client = Client(self.entry)
        self.client.login(self.entry)
        self.content = self.client.get(moref("ServiceInstance", "ServiceInstance"), "content")
        self.addCleanup(lambda: self.client.session and self.client.send(
            "POST", "SessionManager/ha-sessionmgr/Logout"))

    def test_sessions(self):
        stranger = Client(self.entry)
        status, _, content = stranger.send("GET", "ServiceInstance/ServiceInstance/content")
        self.assertEqual((200, "ServiceContent"), (status, content["_typeName"]))
        status, _, fault = stranger.send("GET", f"{path_of(self.machine)}/name")
        self.assertEqual((500, "NotAuthenticated"), (status, fault["_typeName"]))
        self.assertTrue(fault["faultstring"])
        status, headers, fault = stranger.send(
            "POST", "SessionManager/ha-sessionmgr/Login",
            {"_typeName": "LoginRequestType", "userName": "root", "password": "wrong"})
        self.assertEqual((500, "InvalidLogin"), (status, fault["_typeName"]))
        self.assertIsNone(headers["vmware-api-session-id"])
        self.assertEqual("UserSession", stranger.login(self.entry)["_typeName"])
        current = stranger.get(self.content["sessionManager"], "currentSession")
        self.assertEqual("root", current["userName"])
        status, _, value = stranger.send("POST", "SessionManager/ha-sessionmgr/Logout")
        self.assertEqual((204, None), (status, value))
        status, _, fault = stranger.send("GET", f"{path_of(self.machine)}/name")
        self.assertEqual("NotAuthenticated", fault["_typeName"])

    def test_properties(self):
        self.assertEqual({"_typeName": "string", "_value": "json1"},
                         self.boxed(self.client.get(self.machine, "name")))
        config = self.client.get(self.machine, "config")
        self.assertEqual("VirtualMachineConfigInfo", config["_typeName"])
        kinds = {device["_typeName"] for device in config["hardware"]["device"]}
        self.assertIn("VirtualDisk", kinds)
        self.assertIsInstance(config["hardware"]["memoryMB"], int)
        status, _, value = self.client.send("GET", f"{path_of(self.machine)}/snapshot")
        self.assertEqual((204, None), (status, value))
        status, headers, config = self.client.send("GET", f"{path_of(self.machine)}/config",
                                                   headers={"Accept-Encoding": "gzip"})
        self.assertEqual(("gzip", "json1"), (headers["Content-Encoding"], config["name"]))

    @staticmethod
    def boxed(value):
        return value if isinstance(value, dict) else {"_typeName": "string", "_value": value}

    def test_every_object_of_the_content_answers(self):
        for name, reference in self.content.items():
            if isinstance(reference, dict) and reference["_typeName"] == "ManagedObjectReference":
                status, _, value = self.client.send("GET", f"{path_of(reference)}/nonsense")
                self.assertEqual((404, "InvalidProperty"), (status, value["_typeName"]), name)

    def test_retrieve_and_filter(self):
        collector = self.content["propertyCollector"]
        spec = {"propSet": [{"type": "VirtualMachine", "pathSet": ["name", "runtime.powerState"]}],
                "objectSet": [{"obj": self.machine}]}
        found = self.client.call(collector, "RetrievePropertiesEx", specSet=[spec], options={})
        values = {each["name"]: each["val"] for each in found["objects"][0]["propSet"]}
        self.assertEqual({"_typeName": "string", "_value": "json1"}, values["name"])
        self.assertEqual({"_typeName": "VirtualMachinePowerState", "_value": "poweredOff"},
                         values["runtime.powerState"])
        own = self.client.call(collector, "CreatePropertyCollector")
        self.client.call(own, "CreateFilter", spec=spec, partialUpdates=False)
        first = self.client.call(own, "WaitForUpdatesEx", version="",
                                 options={"maxWaitSeconds": 10})
        self.assertEqual("enter", first["filterSet"][0]["objectSet"][0]["kind"])
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(self.client.call(
            own, "WaitForUpdatesEx", version=first["version"], options={"maxWaitSeconds": 30})))
        waiting.start()
        task = self.client.call(self.machine, "Rename_Task", newName="json2")
        waiting.join(40)
        change = answers[0]["filterSet"][0]["objectSet"][0]["changeSet"][0]
        self.assertEqual("json2", change["val"]["_value"])
        self.finish(task)
        self.finish(self.client.call(self.machine, "Rename_Task", newName="json1"))
        self.client.call(own, "DestroyPropertyCollector")

    def finish(self, task):
        """The TaskInfo of an ended task."""
        self.assertEqual("Task", task["type"])
        for _ in range(600):
            info = self.client.get(task, "info")
            if info["state"] in ("success", "error"):
                return info
            threading.Event().wait(0.05)
        raise AssertionError(f"{info} does not end")

    def test_tasks(self):
        info = self.finish(self.client.call(self.machine, "ReconfigVM_Task", spec={
            "annotation": "by json",
            "extraConfig": [{"key": "guestinfo.a", "value": {"_typeName": "string",
                                                             "_value": "b"}}]}))
        self.assertEqual("success", info["state"])
        config = self.client.get(self.machine, "config")
        self.assertEqual("by json", config["annotation"])
        self.assertIn({"_typeName": "OptionValue", "key": "guestinfo.a",
                       "value": {"_typeName": "string", "_value": "b"}}, config["extraConfig"])
        info = self.finish(self.client.call(self.machine, "PowerOffVM_Task"))
        self.assertEqual("InvalidPowerState", info["error"]["fault"]["_typeName"])
        self.assertTrue(info["error"]["localizedMessage"])

    def test_faults(self):
        def refused(verb, path, body=None, **more):
            status, headers, fault = self.client.send(verb, path, body, **more)
            self.assertEqual("application/json", headers["Content-Type"])
            self.assertTrue(fault["faultstring"])
            return status, fault["_typeName"]

        machine = path_of(self.machine)
        self.assertEqual((500, "ManagedObjectNotFound"),
                         refused("GET", "VirtualMachine/vm%2F9%5Bx%5D/name"))
        self.assertEqual((500, "ManagedObjectNotFound"),
                         refused("POST", "VirtualMachine/nothing/PowerOnVM_Task"))
        self.assertEqual((404, "MethodNotFound"), refused("POST", machine + "/Fly"))
        self.assertEqual((404, "MethodNotFound"), refused("POST", machine + "/Login", {
            "userName": "a", "password": "b"}))
        self.assertEqual((405, "InvalidRequest"), refused("DELETE", machine + "/name"))
        self.assertEqual((500, "InvalidRequest"), refused("POST", machine + "/ReconfigVM_Task", {}))
        self.assertEqual((500, "InvalidRequest"),
                         refused("POST", machine + "/ReconfigVM_Task", b"{"))
        self.assertEqual((500, "InvalidType"), refused(
            "POST", machine + "/ReconfigVM_Task", {"spec": {"_typeName": "Description"}}))
        self.assertEqual((415, "InvalidRequest"), refused(
            "POST", machine + "/PowerOnVM_Task", b"<x/>", headers={"Content-Type": "text/xml"}))

    def test_releases(self):
        for release in ("8.0.3.0", "8.0.1.0", "9.1.0.0", "99"):
            status, _, value = self.client.send("GET", f"{path_of(self.machine)}/config",
                                                release=release)
            self.assertEqual(200, status)
            self.assertIn("createDate", value)
        status, _, old = self.client.send("GET", f"{path_of(self.machine)}/config", release="5.0")
        self.assertEqual(200, status)
        self.assertNotIn("createDate", old)
        # nestedHVEnabled came with 5.1: before that it is not there to be set.
        self.client.release = "5.0"
        info = self.finish(self.client.call(self.machine, "ReconfigVM_Task",
                                            spec={"nestedHVEnabled": "nonsense"}))
        self.assertEqual("success", info["state"])


if __name__ == "__main__":
    unittest.main()
