"""Hostile clients of the endpoint: refused or bounded, while others are served."""

import contextlib
import gzip
import http.client
import os
import re
import resource
import shutil
import socket
import ssl
import sys
import tempfile
import time
import unittest

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(_ROOT, "sandbox"))

from drover_sandbox import simulate  # noqa: E402

_ENVELOPE = ('<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>{}</Body>'
             "</Envelope>")
_CONTENT = _ENVELOPE.format('<RetrieveServiceContent xmlns="urn:vim25">'
                            '<_this type="ServiceInstance">ServiceInstance</_this>'
                            "</RetrieveServiceContent>")
_MOST_RSS_MB = 250


def _post(body, extra=""):
    data = body.encode()
    return (f"POST /sdk HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n{extra}"
            f"Content-Length: {len(data)}\r\n\r\n").encode() + data


class LimitsTest(unittest.TestCase):
    """One simulated host without machines for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="drover-limits-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cls.port = probe.getsockname()[1]
        config = simulate.prepare(cls.directory, 0, cls.port)
        simulate.set_password(config, "root", "limits")
        cls.log = open(os.path.join(cls.directory, "log"), "w", encoding="utf-8")
        cls.server = simulate.start(config, log=cls.log)

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()
        cls.log.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def tearDown(self):
        # Whatever was done: it lives, it answers, and it has not grown out of bounds.
        self.assertIsNone(self.server.poll())
        with self.connect() as tls:
            tls.sendall(_post(_CONTENT))
            self.assertEqual(self.status(tls), 200)
        self.assertLess(self.rss_mb(), _MOST_RSS_MB)

    def connect(self, timeout=20, source="127.0.0.1"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=timeout,
                                       source_address=(source, 0))
        return context.wrap_socket(raw)

    def status(self, tls):
        """The status of the next answer, which is read; None if the server hung up."""
        data = b""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while b"\r\n\r\n" not in data:
                piece = tls.recv(65536)
                if not piece:
                    return None
                data += piece
            head, _, rest = data.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
            while len(rest) < length:
                rest += tls.recv(65536)
            self.last_body = rest
            return int(head.split()[1])
        return None

    def rss_mb(self):
        with open(f"/proc/{self.server.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    def test_body_of_a_gigabyte_is_refused_before_it_is_sent(self):
        with self.connect() as tls:
            tls.sendall(b"POST /sdk HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n")
            self.assertEqual(self.status(tls), 413)

    def test_chunked_body_without_end_is_cut_off(self):
        with self.connect() as tls:
            tls.sendall(b"POST /sdk HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
            sent = 0
            with contextlib.suppress(OSError):
                for sent in range(1, 1025):
                    tls.sendall(chunk)
            self.assertLess(sent, 200)

    def test_compressed_bomb_is_refused(self):
        bomb = gzip.compress(b" " * (96 << 20), 1)
        with self.connect() as tls:
            tls.sendall(b"POST /sdk HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
                        b"Content-Length: %d\r\n\r\n" % len(bomb) + bomb)
            self.assertIn(self.status(tls), (400, 413, 500))

    def test_billion_laughs_is_refused(self):
        entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
        body = (f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "lol">{entities}]>'
                + _ENVELOPE.format("<CurrentTime xmlns='urn:vim25'>&l9;</CurrentTime>"))
        with self.connect() as tls:
            began = time.monotonic()
            tls.sendall(_post(body))
            self.assertIn(self.status(tls), (400, 500))
            self.assertLess(time.monotonic() - began, 5)
            self.assertNotIn(b"lollol", self.last_body)

    def test_deep_nesting_is_refused(self):
        deep = "<a>" * 200_000 + "</a>" * 200_000
        with self.connect() as tls:
            tls.sendall(_post(_ENVELOPE.format(deep)))
            self.assertIn(self.status(tls), (400, 500))
        with self.connect() as tls:
            body = "[" * 500_000
            tls.sendall((f"POST /sdk/vim25/8.0.3.0/ServiceInstance/ServiceInstance/CurrentTime "
                         f"HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                         ).encode())
            self.assertIn(self.status(tls), (400, 500))

    def test_too_many_and_too_long_headers_are_refused(self):
        for headers in ("X-A: b\r\n" * 5_000, f"X-A: {'b' * 1_000_000}\r\n"):
            with self.connect() as tls:
                with contextlib.suppress(OSError):
                    tls.sendall(_post(_CONTENT, headers))
                self.assertIn(self.status(tls), (400, 431, None))

    def test_pipelined_requests_are_answered_in_order(self):
        with self.connect() as tls:
            tls.sendall(_post(_CONTENT) * 200)
            answers = b""
            while answers.count(b"RetrieveServiceContentResponse>") < 200:
                piece = tls.recv(1 << 20)
                self.assertTrue(piece, f"{answers.count(b'HTTP/1.1 200')} of 200")
                answers += piece

    def test_slow_headers_are_cut_off(self):
        slow = [self.connect() for _ in range(10)]
        try:
            began = time.monotonic()
            for tls in slow:
                tls.sendall(b"POST /sdk HTTP/1.1\r\n")
            alive = list(slow)
            while alive and time.monotonic() - began < 25:
                time.sleep(1)
                for tls in list(alive):
                    try:
                        tls.sendall(b"X")
                        tls.settimeout(0.001)
                        if tls.recv(4096) == b"":
                            alive.remove(tls)
                    except (TimeoutError, ssl.SSLWantReadError):
                        continue
                    except OSError:
                        alive.remove(tls)
            self.assertFalse(alive)
        finally:
            for tls in slow:
                tls.close()

    def test_connections_of_one_address_are_bounded(self):
        idle = []
        try:
            for _ in range(1500):
                idle.append(socket.create_connection(("127.0.0.1", self.port), timeout=10))
            # The last ones were accepted by the kernel and closed by the server.
            deadline = time.monotonic() + 10
            refused = 0
            while refused < 500 and time.monotonic() < deadline:
                time.sleep(0.2)
                refused = 0
                for each in idle:
                    each.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        try:
                            refused += each.recv(1) == b""
                        except ConnectionError:
                            refused += 1
            self.assertGreater(refused, 500)
        finally:
            for each in idle:
                each.close()
        time.sleep(0.5)

    def test_idle_connections_keep_nobody_out(self):
        count = 10_000 if os.environ.get("DROVER_SLOW_TESTS") else 1_000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * count), hard))
        idle = []
        try:
            for number in range(1, count + 1):
                # One that was cut for another during its handshake is as good as an idle one.
                with contextlib.suppress(OSError):
                    idle.append(self.connect())
                if number % (count // 4) == 0:
                    for source in ("127.0.0.1", "127.0.0.2"):
                        with self.connect(source=source) as newcomer:
                            newcomer.sendall(_post(_CONTENT))
                            self.assertEqual(self.status(newcomer), 200, f"{number}, {source}")
            self.assertLess(self.rss_mb(), _MOST_RSS_MB)
            self.assertLess(len(os.listdir(f"/proc/{self.server.pid}/fd")), 800)
        finally:
            for tls in idle:
                tls.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def call(self, method, this, arguments="", cookie="", wait=True):
        """Calls a method on a connection of its own: (answer, cookie), or the open connection."""
        kind, name = this
        body = _ENVELOPE.format(f'<{method} xmlns="urn:vim25"><_this type="{kind}">{name}</_this>'
                                f"{arguments}</{method}>")
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=20, context=ssl._create_unverified_context())
        connection.request("POST", "/sdk", body, {
            "Content-Type": "text/xml", "SOAPAction": '"urn:vim25/8.0.3.0"', "Cookie": cookie})
        if not wait:
            return connection
        with contextlib.closing(connection):
            answer = connection.getresponse()
            text = answer.read().decode()
            self.assertEqual(answer.status, 200, text)
            return text, answer.getheader("Set-Cookie", cookie).partition(";")[0]

    def log_in(self):
        _, cookie = self.call("Login", ("SessionManager", "ha-sessionmgr"),
                              "<userName>root</userName><password>limits</password>")
        return cookie

    def test_client_that_leaves_while_it_waits_takes_no_update_along(self):
        cookie = self.log_in()
        collector = ("PropertyCollector", "ha-property-collector")
        self.call("CreateFilter", collector, "<spec><propSet><type>EventManager</type>"
                  "<pathSet>latestEvent</pathSet></propSet><objectSet><obj type='EventManager'>"
                  "ha-eventmgr</obj></objectSet></spec><partialUpdates>true</partialUpdates>",
                  cookie)
        text, _ = self.call("WaitForUpdatesEx", collector, "<version></version>", cookie)
        version = re.search("<version>(.*?)</version>", text).group(1)
        before = len(os.listdir(f"/proc/{self.server.pid}/fd"))
        ask = f"<version>{version}</version>"
        for _ in range(20):
            waiting = self.call("WaitForUpdatesEx", collector, ask, cookie, wait=False)
            time.sleep(0.02)
            waiting.close()
        deadline = time.monotonic() + 10
        while len(os.listdir(f"/proc/{self.server.pid}/fd")) > before:
            self.assertLess(time.monotonic(), deadline, "connections of waiters stay open")
            time.sleep(0.05)
        self.log_in()  # an event
        text, _ = self.call("WaitForUpdatesEx", collector, ask, cookie)
        self.assertIn("UserLoginSessionEvent", text)

    def test_handshake_flood_leaves_it_usable(self):
        began = time.monotonic()
        while time.monotonic() - began < 3:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as raw:
                raw.sendall(b"\x16\x03\x01\x02\x00" + os.urandom(200))


if __name__ == "__main__":
    unittest.main()
