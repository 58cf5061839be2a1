"""10,000 idle TLS connections offered to one host: whether each newcomer is answered, how many are
held, what they cost, and how soon others are answered beside them.

Each comes from one of many addresses of 127.0.0.0/8, asks once for ServiceContent and then says
nothing. Where the table is full, the host cuts the one that has been idle for longest. The
simulated host has few machines: connections are what is measured.
"""

import os
import resource
import shutil
import socket
import ssl
import statistics
import sys
import tempfile
import time

import api
from drover_sandbox import simulate

CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "10000"))
MACHINES = 100
# What http::Limits says: as many connections in all and from one address. Those that are being cut
# to make room may be there for a moment as well.
MOST, MOST_OF_ADDRESS, LEAVING = 4096, 512, 64
EACH_ADDRESS = 500
TOO_MANY = 700  # from one address
QUESTIONS = 200
GOAL_RSS_MB, GOAL_MEDIAN_MS, GOAL_WORST_MS = 600, 10, 250
_COMMAND = "bench/run BUILD connections"

_ENVELOPE = ('<?xml version="1.0" encoding="UTF-8"?>'
             '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/">'
             '<Body>{}</Body></Envelope>')
_CONTENT = ('<RetrieveServiceContent xmlns="urn:vim25"><_this type="ServiceInstance">'
            'ServiceInstance</_this></RetrieveServiceContent>')
_LOGIN = ('<Login xmlns="urn:vim25"><_this type="SessionManager">{}</_this>'
          f'<userName>root</userName><password>{api.PASSWORD}</password></Login>')
_TIME = ('<CurrentTime xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this>'
         '</CurrentTime>')


def rows(_build):
    """Yields (figure, value, goal, met, command) for bench/run."""
    wanted = CONNECTIONS + TOO_MANY + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    work = tempfile.mkdtemp(prefix="drover-bench-connections-")
    os.chmod(work, 0o755)
    server = None
    try:
        port = api.free_port()
        config = simulate.prepare(os.path.join(work, "host"), MACHINES, port)
        simulate.set_password(config, "root", api.PASSWORD)
        with open(os.path.join(work, "hostd.log"), "w", encoding="utf-8") as log:
            server = simulate.start(config, (), log)
            yield from measure(server, port)
    finally:
        if server:
            api.stop(server)
        shutil.rmtree(work, ignore_errors=True)


def measure(server, port):
    """The rows, of a server that runs."""
    beside = Connection(port, "127.0.0.1")
    beside.log_in()
    before = api.rss_mb(server.pid)
    answered, began = [], time.monotonic()
    statuses = {}
    for number in range(CONNECTIONS):
        connection = try_connection(port, address_of(number // EACH_ADDRESS), statuses)
        if connection:
            answered.append(connection)
    took = time.monotonic() - began
    grown = (api.rss_mb(server.pid) - before) * 1024
    times = [beside.time_of(_TIME, statuses) for _ in range(QUESTIONS)]
    resident = api.rss_mb(server.pid)
    open_now = sum(each.is_open() for each in answered)
    newest_open = all(each.is_open() for each in answered[-MOST // 2:])
    least, most = min(CONNECTIONS, MOST - 1), min(CONNECTIONS, MOST + LEAVING)
    yield (f"{CONNECTIONS} idle TLS connections: held", str(open_now), f"{least} to {most}",
           least <= open_now <= most, _COMMAND)
    yield ("the same: newcomers refused", str(CONNECTIONS - len(answered)), "0",
           len(answered) == CONNECTIONS, _COMMAND)
    yield ("the same: who is held are the newest", str(newest_open), "True", newest_open, _COMMAND)
    yield ("the same: to offer all", f"{took:.1f} s", "-", True, _COMMAND)
    yield ("the same: memory for each that is held", f"{grown / max(open_now, 1):.0f} KB", "-",
           True, _COMMAND)
    yield ("the same: memory of the host", f"{resident:.0f} MB", f"< {GOAL_RSS_MB} MB",
           resident < GOAL_RSS_MB, _COMMAND)
    for name, value, goal in (("median", statistics.median(times), GOAL_MEDIAN_MS),
                              ("longest", max(times), GOAL_WORST_MS)):
        yield (f"CurrentTime beside them, {name} of {QUESTIONS}", f"{value * 1000:.1f} ms",
               f"< {goal} ms", value * 1000 < goal, _COMMAND)
    for each in answered:
        each.close()
    time.sleep(1)
    crowd = [try_connection(port, "127.0.200.1", statuses) for _ in range(TOO_MANY)]
    accepted = sum(each is not None for each in crowd)
    yield (f"{TOO_MANY} from one address afterwards: answered", str(accepted), f"= {TOO_MANY}",
           accepted == TOO_MANY, _COMMAND)
    time.sleep(1)
    crowd_open = sum(each is not None and each.is_open() for each in crowd)
    yield ("the same: held", str(crowd_open), f"= {MOST_OF_ADDRESS}",
           crowd_open == MOST_OF_ADDRESS, _COMMAND)
    wrong = {status: count for status, count in statuses.items() if status != 200}
    yield ("answers that were no HTTP 200", str(wrong or 0), "0", not wrong, _COMMAND)


def address_of(group):
    """An address of this computer; another for each group."""
    return f"127.0.{100 + group // 250}.{1 + group % 250}"


def try_connection(port, address, statuses):
    """A connection that was answered once, or None if it was refused before."""
    try:
        connection = Connection(port, address)
    except OSError:
        return None
    try:
        connection.time_of(_CONTENT, statuses)
    except OSError:
        return None
    return connection


class Connection:
    """One TLS connection that carries SOAP."""

    def __init__(self, port, address):
        context = self._context()
        plain = socket.create_connection(("127.0.0.1", port), 60, (address, 0))
        try:
            self._socket = context.wrap_socket(plain)
        except OSError:
            plain.close()
            raise
        self._cookie = ""

    _shared_context = None

    @classmethod
    def _context(cls):
        if cls._shared_context is None:
            cls._shared_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            cls._shared_context.check_hostname = False
            cls._shared_context.verify_mode = ssl.CERT_NONE
        return cls._shared_context

    def post(self, body):
        """The status and the answer's head and body."""
        text = _ENVELOPE.format(body).encode()
        self._socket.sendall((
            f"POST /sdk HTTP/1.1\r\nHost: bench\r\n{self._cookie}Content-Type: text/xml\r\n"
            f"SOAPAction: urn:vim25/6.7\r\nContent-Length: {len(text)}\r\n\r\n").encode() + text)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, rest = answer.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(rest) < int(fields[b"content-length"]):
            rest += self._receive()
        return int(head.split(b" ")[1]), head.decode(), rest.decode()

    def _receive(self):
        part = self._socket.recv(65536)
        if not part:
            raise ConnectionResetError("the host has closed the connection")
        return part

    def time_of(self, body, statuses):
        """Seconds that the answer took; counts its status."""
        began = time.monotonic()
        status = self.post(body)[0]
        statuses[status] = statuses.get(status, 0) + 1
        return time.monotonic() - began

    def log_in(self):
        """Further requests belong to a session."""
        content = self.post(_CONTENT)[2]
        manager = content.partition('<sessionManager type="SessionManager">')[2].partition("<")[0]
        status, head, answer = self.post(_LOGIN.format(manager))
        if status != 200:
            sys.exit(f"bench/run: the login failed: {answer}")
        cookie = next(line.split(":", 1)[1].strip().split(";")[0] for line in head.splitlines()
                      if line.lower().startswith("set-cookie:"))
        self._cookie = f"Cookie: {cookie}\r\n"

    def close(self):
        """Without goodbye."""
        self._socket.close()

    def is_open(self):
        """Whether the host has not closed it."""
        self._socket.setblocking(False)
        try:
            return self._socket.recv(1) != b""
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
