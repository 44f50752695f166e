"""Kannel as the ESME: texts go in by its HTTP interface, and its delivery reports and MO come out of it."""

from __future__ import annotations

import http.client
import queue
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote_from_bytes, urlencode, urlsplit

import pytest

from foreign_programs import program
from running_demo import DEADLINE_S, RunningDemo, eventually

pytestmark = pytest.mark.timeout(120)

DELIVERED, FAILED, SMSC_TOOK, SMSC_REFUSED = 1, 2, 8, 16

CONFIGURATION = """
group = core
admin-port = {admin}
admin-password = admin
smsbox-port = {smsbox}
box-allow-ip = 127.0.0.1
log-file = {directory}/bearerbox.log
log-level = 0

group = smsc
smsc = smpp
smsc-id = motet
host = {host}
port = {port}
smsc-username = demo
smsc-password = {password}
system-type = ""
transceiver-mode = true
interface-version = 34
dest-addr-ton = 1
dest-addr-npi = 1
max-pending-submits = 100
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
log-file = {directory}/smsbox.log
log-level = 0

group = sendsms-user
username = tester
password = tester
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = yes
concatenation = true
max-messages = 0
get-url = "http://127.0.0.1:{sink}/mo?from=%p&to=%P&octets=%b&coding=%c"
"""


class Sink(ThreadingHTTPServer):
    """Where Kannel reports to. It does not ask twice, so no connection may be turned away."""

    request_queue_size = 1_024
    daemon_threads = True


class Kannel:
    """bearerbox and smsbox, bound to the demo, and where they report to."""

    def __init__(self, sendsms: int, sink: int, came: dict[str, queue.Queue[dict[str, str]]]) -> None:
        self._sendsms = sendsms
        self._sink = sink
        self._came = came

    def send(self, to: str, text: str, *, ucs2: bool = False) -> str:
        """What Kannel's sendsms answers; delivery reports of every kind are asked for."""
        report = f"http://127.0.0.1:{self._sink}/dlr?status=%d&to=%p&from=%P"
        words = urlencode(
            {"username": "tester", "password": "tester", "from": "Kannel", "to": to, "dlr-mask": 31, "dlr-url": report}
        )
        octets = text.encode("utf-16-be") if ucs2 else text.encode()
        words += f"&coding={2 if ucs2 else 0}&charset={'UTF-16BE' if ucs2 else 'UTF-8'}&text={quote_from_bytes(octets)}"
        return get(self._sendsms, f"/cgi-bin/sendsms?{words}")

    def mo(self) -> dict[str, str]:
        """The next text from a phone."""
        return self._came["/mo"].get(timeout=DEADLINE_S)

    def final_states(self, count: int) -> list[int]:
        """So many final reports; those of the SMSC's acceptance are passed over."""
        states: list[int] = []
        while len(states) < count:
            status = int(self._came["/dlr"].get(timeout=DEADLINE_S)["status"])
            if status != SMSC_TOOK:
                states.append(status)
        return states


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture(scope="module")
def kannel(demo: RunningDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    bearerbox, smsbox = program("bearerbox"), program("smsbox")
    directory = tmp_path_factory.mktemp("kannel")
    came: dict[str, queue.Queue[dict[str, str]]] = {"/dlr": queue.Queue(), "/mo": queue.Queue()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            came[place.path].put({key: values[0] for key, values in parse_qs(place.query, encoding="latin-1").items()})
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    with Sink(("127.0.0.1", 0), Handler) as sink, ExitStack() as stack:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        stack.callback(sink.shutdown)
        admin, smsbox_port, sendsms = free_ports(3)
        host, port = demo.smpp
        file = directory / "kannel.conf"
        file.write_text(
            CONFIGURATION.format(
                admin=admin, smsbox=smsbox_port, sendsms=sendsms, sink=sink.server_address[1], directory=directory,
                host=host, port=port, password=demo.password,
            )
        )  # fmt: skip
        start(stack, bearerbox, file)
        eventually(lambda: "online" in status(admin), "Kannel's bind")
        start(stack, smsbox, file)
        eventually(lambda: "smsbox" in status(admin).partition("Box connections")[2], "Kannel's smsbox")
        eventually(lambda: answers(sendsms), "Kannel's HTTP interface")
        yield Kannel(sendsms, sink.server_address[1], came)


def start(stack: ExitStack, box: str, file: Path) -> None:
    with file.with_suffix(".out").open("ab") as output:
        process = subprocess.Popen([box, str(file)], stdout=output, stderr=output, cwd=file.parent)

    def stop() -> None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(stop)


def status(port: int) -> str:
    try:
        return get(port, "/status.txt?password=admin")
    except (OSError, http.client.HTTPException):
        return ""


def answers(port: int) -> bool:
    try:
        return bool(get(port, "/"))
    except (OSError, http.client.HTTPException):
        return False


def test_texts_by_http_reach_the_phone_and_reports_come_back(demo: RunningDemo, kannel: Kannel) -> None:
    msisdn = demo.phones()[0]
    long = "0123456789" * 40
    for text, ucs2 in (("Hello from Kannel", False), ("Grüße 😀 Привет", True), (long, False)):
        assert kannel.send(msisdn, text, ucs2=ucs2) == "0: Accepted for delivery"
    assert kannel.final_states(3) == [DELIVERED] * 3
    eventually(lambda: len(demo.inbox(msisdn)) == 3, "all three texts")
    shown = {one["text"]: (one["from"], one["parts"]) for one in demo.inbox(msisdn)}
    assert shown == {"Hello from Kannel": ("Kannel", 1), "Grüße 😀 Привет": ("Kannel", 1), long: ("Kannel", 3)}


def test_failures_are_reported(demo: RunningDemo, kannel: Kannel) -> None:
    full = demo.phones()[1]
    demo.behave(full, "memory_full")
    assert kannel.send(full, "no room") == "0: Accepted for delivery"
    assert kannel.final_states(1) == [FAILED]
    assert kannel.send("4915100000", "nobody") == "0: Accepted for delivery"
    assert kannel.final_states(1) == [SMSC_REFUSED]


def test_a_burst_has_a_report_for_each(demo: RunningDemo, kannel: Kannel) -> None:
    msisdn = demo.phones()[2]
    for number in range(200):
        assert kannel.send(msisdn, f"burst {number}") == "0: Accepted for delivery"
    assert kannel.final_states(200) == [DELIVERED] * 200
    assert {one["text"] for one in demo.inbox(msisdn)} == {f"burst {number}" for number in range(200)}


def test_mo_arrive_whole(demo: RunningDemo, kannel: Kannel) -> None:
    msisdn = demo.phones()[3]
    for text in ("Ping", "long " * 60, "Привет 😀"):
        demo.mobile_originated(msisdn, demo.short_code, text)
        mo = kannel.mo()
        assert (mo["from"].strip(" +"), mo["to"]) == (msisdn, demo.short_code)
        octets = mo["octets"].encode("latin-1")
        assert octets.decode("utf-16-be" if mo["coding"] == "2" else "ascii") == text
