"""Machines that move between the hosts of a sandbox, by drover's own objects of the API: VI/JSON,
because no foreign library knows them."""

import gzip
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request

_MANAGER = "DroverMigrationManager/drover-migration-manager"
NO_ANSWER = (OSError, http.client.HTTPException)


class Refused(Exception):
    """A fault that the host answered with."""

    def __init__(self, fault):
        super().__init__(f"{fault.get('_typeName')}: {json.dumps(fault)[:600]}")
        self.name = fault.get("_typeName")
        self.fault = fault


class Host:
    """A session of VI/JSON at one host of a sandbox."""

    def __init__(self, sandbox, name):
        self.name = name
        self.entry = sandbox.host(name)
        self.url = f"https://{self.entry['address']}"
        self._context = ssl._create_unverified_context()
        self._session = None

    def login(self, wait_s=60.0):
        """Logs in; waits for a host that is just starting."""
        deadline = time.monotonic() + wait_s
        while True:
            try:
                self._session = None
                _, headers = self._send("SessionManager/ha-sessionmgr/Login",
                                        {"userName": self.entry["username"],
                                         "password": self.entry["password"]})
                self._session = headers["vmware-api-session-id"]
                return self
            except (*NO_ANSWER, Refused):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _send(self, path, body=None):
        request = urllib.request.Request(f"{self.url}/sdk/vim25/8.0.3.0/{path}",
                                         method="GET" if body is None else "POST")
        request.add_header("Content-Type", "application/json")
        if self._session:
            request.add_header("vmware-api-session-id", self._session)
        if body is not None:
            request.data = json.dumps(body).encode()
        try:
            answer = urllib.request.urlopen(request, context=self._context, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            text = gzip.decompress(text)
        if answer.status not in (200, 204):
            try:
                raise Refused(json.loads(text))
            except ValueError:
                raise Refused({"_typeName": "HTTP", "status": answer.status}) from None
        return (json.loads(text) if text else None), answer.headers

    def call(self, method, **parameters):
        """Calls a method of the migration manager."""
        return self._send(f"{_MANAGER}/{method}", parameters)[0]

    def get(self, type_name, identity, name):
        value = self._send(f"{type_name}/{identity}/{name}")[0]
        return value["_value"] if isinstance(value, dict) and "_value" in value else value

    # -- machines ---------------------------------------------------------------------------
    def machines(self):
        """Returns {name: reference's value} of the machines that are registered here."""
        folder = self.get("Folder", "ha-folder-vm", "childEntity") or []
        return {self.get("VirtualMachine", item["value"], "name"): item["value"]
                for item in folder}

    def runtime(self, machine):
        return self.get("VirtualMachine", machine, "runtime")

    def datastore(self, name):
        for item in self.get("Datacenter", "ha-datacenter", "datastore"):
            if self.get("Datastore", item["value"], "name") == name:
                return {"type": "Datastore", "value": item["value"]}
        raise KeyError(name)

    # -- moving -----------------------------------------------------------------------------
    def start_migration(self, machine, destination, placement=None, **options):
        """Starts MigrateMachine_Task; the task."""
        spec = self.call("DescribeMigration", vm=_vm(machine))
        parameters = {"spec": spec}
        if placement:
            parameters["placement"] = {"_typeName": "DroverMigrationPlacement",
                                       "datastore": destination.datastore(placement)}
        ticket = destination.call("PrepareMigration", **parameters)
        target = {"_typeName": "DroverMigrationDestination", "url": destination.url,
                  "thumbprint": destination.entry["thumbprint"], "ticket": ticket}
        return self.call("MigrateMachine_Task", vm=_vm(machine), destination=target,
                         options={"_typeName": "DroverMigrationOptions", **options})

    def task(self, reference):
        return self.get("Task", reference["value"], "info")

    def cancel(self, reference):
        self._send(f"Task/{reference['value']}/CancelTask", {})

    def wait(self, reference, wait_s=90.0):
        """Returns a task's result; raises its fault."""
        deadline = time.monotonic() + wait_s
        while True:
            info = self.task(reference)
            if info["state"] == "success":
                return info.get("result")
            if info["state"] == "error":
                raise Refused(info["error"].get("fault", info["error"]))
            if time.monotonic() > deadline:
                raise AssertionError(f"still {info['state']} after {wait_s:.0f} s: {info}")
            time.sleep(0.05)

    def migrate(self, machine, destination, placement=None, **options):
        """Moves a machine; the result of the task."""
        return self.wait(self.start_migration(machine, destination, placement, **options))


def _vm(machine):
    return {"_typeName": "ManagedObjectReference", "type": "VirtualMachine", "value": machine}
