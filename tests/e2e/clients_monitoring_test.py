#!/usr/bin/python3
"""Monitoring and inventory agents that write their SOAP by hand, as Zabbix and FusionInventory do:
fixed ids, an old release, no WSDL."""

import html
import http.client
import re
import ssl
import unittest
import xml.etree.ElementTree

from drover_e2e import Sandbox, connect, make_spec, wait_task

_ENVELOPE = ('<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope'
             ' xmlns:ns0="urn:vim25" xmlns:ns1="http://schemas.xmlsoap.org/soap/envelope/"'
             ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
             ' xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/>'
             '<ns1:Body>{}</ns1:Body></SOAP-ENV:Envelope>')


def setUpModule():
    global SANDBOX, HOST, MACHINE
    SANDBOX = Sandbox(hosts=1)
    HOST = connect(SANDBOX)
    MACHINE = wait_task(HOST.create(make_spec("watched")))


def tearDownModule():
    HOST.close()
    SANDBOX.close()


def strip(tree):
    """The tree with names that have no namespaces."""
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    return tree


class HandWritten:
    """A client with a cookie and nothing else."""

    def __init__(self, action):
        entry = SANDBOX.host()
        self.connection = http.client.HTTPSConnection(
            entry["address"], context=ssl._create_unverified_context(), timeout=60)
        self.entry, self.action, self.cookie = entry, action, None

    def send(self, body):
        """Returns (status, the body's first element)."""
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        if self.action:
            headers["SOAPAction"] = self.action
        if self.cookie:
            headers["Cookie"] = self.cookie
        self.connection.request("POST", "/sdk", _ENVELOPE.format(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.getheader("Set-Cookie"):
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
        tree = strip(xml.etree.ElementTree.fromstring(text))
        return answer.status, tree.find("Body")[0]

    def login(self):
        status, answer = self.send(
            '<ns0:Login xsi:type="ns0:LoginRequestType">'
            '<ns0:_this type="SessionManager">ha-sessionmgr</ns0:_this>'
            f'<ns0:userName>{self.entry["username"]}</ns0:userName>'
            f'<ns0:password>{html.escape(self.entry["password"])}</ns0:password></ns0:Login>')
        assert status == 200, xml.etree.ElementTree.tostring(answer)
        return self

    def close(self):
        self.connection.close()


class Zabbix(unittest.TestCase):
    """Release 4.1 in SOAPAction, the ids of a host as constants."""

    def setUp(self):
        self.client = HandWritten("urn:vim25/4.1").login()
        self.addCleanup(self.client.close)

    def ask(self, body):
        status, answer = self.client.send(body)
        self.assertEqual(200, status, xml.etree.ElementTree.tostring(answer))
        return answer

    def test_service_content(self):
        answer = self.ask('<ns0:RetrieveServiceContent><ns0:_this type="ServiceInstance">'
                          'ServiceInstance</ns0:_this></ns0:RetrieveServiceContent>')
        content = answer.find("returnval")
        self.assertEqual("HostAgent", content.findtext("about/apiType"))
        for name, expected in (("perfManager", "ha-perfmgr"), ("sessionManager", "ha-sessionmgr"),
                               ("propertyCollector", "ha-property-collector"),
                               ("rootFolder", "ha-folder-root"), ("eventManager", "ha-eventmgr")):
            self.assertEqual(expected, content.findtext(name))

    def retrieve(self, kind, paths, page=None):
        """The fixed traversal from the root folder; follows the pages."""
        wanted = "".join(f"<ns0:pathSet>{path}</ns0:pathSet>" for path in paths)
        steps = ""
        for name, type_name, path in (("visitFolders", "Folder", "childEntity"),
                                      ("dcToHf", "Datacenter", "hostFolder"),
                                      ("dcToVmf", "Datacenter", "vmFolder"),
                                      ("crToH", "ComputeResource", "host"),
                                      ("hToVm", "HostSystem", "vm")):
            nested = "".join(f"<ns0:selectSet><ns0:name>{each}</ns0:name></ns0:selectSet>"
                             for each in ("visitFolders", "dcToHf", "dcToVmf", "crToH", "hToVm"))
            steps += (f'<ns0:selectSet xsi:type="ns0:TraversalSpec"><ns0:name>{name}</ns0:name>'
                      f"<ns0:type>{type_name}</ns0:type><ns0:path>{path}</ns0:path>"
                      f"<ns0:skip>false</ns0:skip>{nested}</ns0:selectSet>")
        most = f"<ns0:maxObjects>{page}</ns0:maxObjects>" if page else ""
        answer = self.ask(
            '<ns0:RetrievePropertiesEx xsi:type="ns0:RetrievePropertiesExRequestType">'
            '<ns0:_this type="PropertyCollector">ha-property-collector</ns0:_this><ns0:specSet>'
            f"<ns0:propSet><ns0:type>{kind}</ns0:type>{wanted}</ns0:propSet><ns0:objectSet>"
            '<ns0:obj type="Folder">ha-folder-root</ns0:obj><ns0:skip>false</ns0:skip>'
            f"{steps}</ns0:objectSet></ns0:specSet><ns0:options>{most}</ns0:options>"
            "</ns0:RetrievePropertiesEx>")
        objects = answer.findall("returnval/objects")
        token = answer.findtext("returnval/token")
        while token:
            answer = self.ask(
                '<ns0:ContinueRetrievePropertiesEx>'
                '<ns0:_this type="PropertyCollector">ha-property-collector</ns0:_this>'
                f"<ns0:token>{token}</ns0:token></ns0:ContinueRetrievePropertiesEx>")
            objects += answer.findall("returnval/objects")
            token = answer.findtext("returnval/token")
        return {item.findtext("obj"): {each.findtext("name"): each.find("val")
                                       for each in item.findall("propSet")} for item in objects}

    def test_machines(self):
        paths = ["config.uuid", "config.hardware", "summary.quickStats", "runtime.powerState",
                 "name", "summary.runtime.connectionState", "guest.disk", "summary.storage",
                 "config.memoryAllocation"]
        whole = self.retrieve("VirtualMachine", paths)
        mine = whole[MACHINE._moId]
        self.assertEqual("watched", mine["name"].text)
        self.assertEqual(MACHINE.config.uuid, mine["config.uuid"].text)
        self.assertEqual("128", mine["config.hardware"].findtext("memoryMB"))
        self.assertTrue(mine["config.hardware"].findall("device"))
        self.assertIsNotNone(mine["summary.quickStats"].findtext("uptimeSeconds"))
        self.assertEqual(whole.keys(), self.retrieve("VirtualMachine", paths, page=1).keys())

    def test_hosts(self):
        found = self.retrieve("HostSystem", [
            "name", "summary", "hardware.cpuInfo", "vm", "datastore", "parent",
            "summary.hardware.memorySize", "config.virtualNicManagerInfo.netConfig"])
        host = found["ha-host"]
        for path in ("hardware/vendor", "hardware/model", "hardware/cpuModel", "hardware/uuid",
                     "config/product/fullName", "quickStats/overallCpuUsage",
                     "quickStats/overallMemoryUsage", "quickStats/uptime", "overallStatus"):
            self.assertIsNotNone(host["summary"].findtext(path), path)
        self.assertEqual({"ManagedObjectReference"}, {item.tag for item in host["vm"]})

    def test_counters_and_samples(self):
        answer = self.ask(
            '<ns0:RetrievePropertiesEx><ns0:_this type="PropertyCollector">ha-property-collector'
            "</ns0:_this><ns0:specSet><ns0:propSet><ns0:type>PerformanceManager</ns0:type>"
            "<ns0:pathSet>perfCounter</ns0:pathSet></ns0:propSet><ns0:objectSet>"
            '<ns0:obj type="PerformanceManager">ha-perfmgr</ns0:obj></ns0:objectSet></ns0:specSet>'
            "<ns0:options/></ns0:RetrievePropertiesEx>")
        counters = {".".join((item.findtext("groupInfo/key"), item.findtext("nameInfo/key"),
                              item.findtext("rollupType"))): item.findtext("key")
                    for item in answer.iter("PerfCounterInfo")}
        answer = self.ask(
            '<ns0:QueryPerfProviderSummary><ns0:_this type="PerformanceManager">ha-perfmgr'
            '</ns0:_this><ns0:entity type="HostSystem">ha-host</ns0:entity>'
            "</ns0:QueryPerfProviderSummary>")
        interval = answer.findtext("returnval/refreshRate")
        answer = self.ask(
            '<ns0:QueryPerf><ns0:_this type="PerformanceManager">ha-perfmgr</ns0:_this>'
            '<ns0:querySpec><ns0:entity type="HostSystem">ha-host</ns0:entity>'
            "<ns0:maxSample>1</ns0:maxSample><ns0:metricId>"
            f'<ns0:counterId>{counters["cpu.usage.average"]}</ns0:counterId>'
            "<ns0:instance></ns0:instance></ns0:metricId>"
            f"<ns0:intervalId>{interval}</ns0:intervalId></ns0:querySpec></ns0:QueryPerf>")
        self.assertEqual("ha-host", answer.findtext("returnval/entity"))

    def test_latest_events(self):
        answer = self.ask('<ns0:CreateCollectorForEvents><ns0:_this type="EventManager">'
                          "ha-eventmgr</ns0:_this><ns0:filter/></ns0:CreateCollectorForEvents>")
        collector = answer.findtext("returnval")
        self.ask('<ns0:SetCollectorPageSize><ns0:_this type="EventHistoryCollector">'
                 f"{html.escape(collector)}</ns0:_this><ns0:maxCount>10</ns0:maxCount>"
                 "</ns0:SetCollectorPageSize>")
        answer = self.ask(
            '<ns0:RetrieveProperties><ns0:_this type="PropertyCollector">ha-property-collector'
            "</ns0:_this><ns0:specSet><ns0:propSet><ns0:type>EventHistoryCollector</ns0:type>"
            "<ns0:pathSet>latestPage</ns0:pathSet></ns0:propSet><ns0:objectSet>"
            f'<ns0:obj type="EventHistoryCollector">{html.escape(collector)}</ns0:obj>'
            "</ns0:objectSet></ns0:specSet></ns0:RetrieveProperties>")
        events = list(answer.iter("Event"))
        self.assertTrue(events)
        for event in events:
            self.assertTrue(event.findtext("key") and event.findtext("createdTime"))
            self.assertTrue(event.findtext("fullFormattedMessage"))
        self.ask('<ns0:DestroyCollector><ns0:_this type="EventHistoryCollector">'
                 f"{html.escape(collector)}</ns0:_this></ns0:DestroyCollector>")

    def test_old_releases_get_nothing_newer(self):
        whole = self.retrieve("VirtualMachine", ["summary", "runtime", "config"])
        text = xml.etree.ElementTree.tostring(whole[MACHINE._moId]["summary"], encoding="unicode")
        text += xml.etree.ElementTree.tostring(whole[MACHINE._moId]["runtime"], encoding="unicode")
        for newer in ("hwVersion", "suspendedToMemory", "consolidationNeeded"):  # 6.9.1, 7.0.2, 5.0
            self.assertNotIn(newer, text)

    def test_wrong_password(self):
        client = HandWritten("urn:vim25/4.1")
        self.addCleanup(client.close)
        status, fault = client.send(
            '<ns0:Login><ns0:_this type="SessionManager">ha-sessionmgr</ns0:_this>'
            "<ns0:userName>root</ns0:userName><ns0:password>no</ns0:password></ns0:Login>")
        self.assertEqual(500, status)
        self.assertEqual("ServerFaultCode", fault.findtext("faultcode"))
        self.assertTrue(fault.findtext("faultstring"))
        self.assertIsNotNone(fault.find("detail/InvalidLoginFault"))

    def test_logout(self):
        self.ask('<ns0:Logout><ns0:_this type="SessionManager">ha-sessionmgr</ns0:_this>'
                 "</ns0:Logout>")
        status, fault = self.client.send(
            '<ns0:QueryPerfProviderSummary><ns0:_this type="PerformanceManager">ha-perfmgr'
            '</ns0:_this><ns0:entity type="HostSystem">ha-host</ns0:entity>'
            "</ns0:QueryPerfProviderSummary>")
        self.assertEqual(500, status)
        self.assertIsNotNone(fault.find("detail/NotAuthenticatedFault"))


class FusionInventory(unittest.TestCase):
    """SOAPAction names the method, not the release: the oldest release is meant."""

    def test_inventory(self):
        client = HandWritten('"urn:vim25#Login"').login()
        self.addCleanup(client.close)
        client.action = '"urn:vim25#RetrieveProperties"'
        status, answer = client.send(
            '<ns0:RetrieveProperties><ns0:_this type="PropertyCollector">ha-property-collector'
            "</ns0:_this><ns0:specSet><ns0:propSet><ns0:type>HostSystem</ns0:type>"
            "<ns0:all>true</ns0:all></ns0:propSet><ns0:objectSet>"
            '<ns0:obj type="HostSystem">ha-host</ns0:obj></ns0:objectSet></ns0:specSet>'
            "</ns0:RetrieveProperties>")
        self.assertEqual(200, status)
        found = {item.findtext("name"): item.find("val") for item in answer.iter("propSet")}
        for path in ("hardware/systemInfo/uuid", "hardware/biosInfo/biosVersion",
                     "hardware/cpuInfo/numCpuCores", "hardware/memorySize",
                     "config/product/fullName", "config/network/dnsConfig/hostName",
                     "summary/host"):
            name, _, rest = path.partition("/")
            self.assertIsNotNone(found[name].find(rest), path)
        self.assertRegex(found["summary"].findtext("hardware/uuid"), re.compile(r"^[0-9a-f-]{36}$"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
