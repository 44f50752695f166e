"""A simulated network as a process of its own, and a foreign ESME (smpplib) to try it with."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import smpplib.client
import smpplib.consts

START = (
    "import argparse, sys; from motet.simulator import command;"
    "parser = argparse.ArgumentParser(); command.add_arguments(parser);"
    "sys.exit(command.run(parser.parse_args()))"
)

FIRST = "99900000001"
SECOND = "99900000002"
CODE = "7000"
WAIT_S = 10


class Network:
    """The process, its ready line, and calls to its control API."""

    def __init__(self, *flags: str, data_dir: Path | None = None) -> None:
        ports = ["--smpp", "127.0.0.1:0", "--network", "127.0.0.1:0", "--json", "--stop-on-stdin-eof"]
        where = ["--data-dir", str(data_dir)] if data_dir else []
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *ports, "--phones", "5", "--log-level", "warning", *where, *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.process.stdout.readline() or "{}")
        self.esmes: list[Esme] = []

    def kill(self) -> None:
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """End as a dead parent would have it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self._reap()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; a status other than 200 raises HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.ready["network"] + path, data=data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=WAIT_S) as response:  # noqa: S310
            return json.loads(response.read())

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and message of a call that must fail."""
        try:
            self.call(method, path, body)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())["error"]
        raise AssertionError(f"{method} {path} was not refused")

    def behave(self, msisdn: str, behaviour: str, **more: Any) -> Any:
        return self.call("PATCH", f"/phones/{msisdn}", {"behaviour": behaviour, **more})

    def inbox(self, msisdn: str) -> list[dict[str, Any]]:
        inbox: list[dict[str, Any]] = self.call("GET", f"/phones/{msisdn}")["inbox"]
        return inbox

    def texts(self, msisdn: str) -> list[str | None]:
        return [entry["text"] for entry in self.inbox(msisdn)]

    def esme(self, bind: str = "transceiver", *, version: int = 0x34) -> Esme:
        return Esme(self, bind, version=version)

    def settle(self) -> None:
        """Back to the beginning: no ESME, phones well-behaved, nothing held or undelivered."""
        self.drop_esmes()
        for phone in self.call("GET", "/phones"):
            self.call("PATCH", f"/phones/{phone['msisdn']}", {"behaviour": "deliver", "delay_s": 0, "reply": None})
        drain = self.esme()
        while (stats := self.call("GET", "/stats"))["undelivered"] or stats["held"]:
            drain.poll()
        self.drop_esmes()
        while self.call("GET", "/stats")["binds"]:
            pass

    def drop_esmes(self) -> None:
        for esme in self.esmes:
            esme.drop()
        self.esmes.clear()

    def _reap(self) -> int:
        self.drop_esmes()
        status = self.process.wait(WAIT_S)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        return status


class Esme(smpplib.client.Client):  # type: ignore[misc]
    """smpplib, with what came kept in lists: `responses` (PDUs with any status) and `deliveries` (deliver_sm)."""

    def __init__(self, network: Network, bind: str = "transceiver", *, version: int = 0x34, **account: str) -> None:
        smpp = network.ready["smpp"]
        super().__init__(smpp["host"], smpp["port"], timeout=WAIT_S, allow_unknown_opt_params=True)
        self.responses: list[Any] = []
        self.deliveries: list[Any] = []
        self.answer_with: int | None = 0
        self.set_message_received_handler(self._keep_delivery)
        self.set_message_sent_handler(lambda pdu: self.responses.append(pdu))
        self.set_query_resp_handler(lambda pdu: self.responses.append(pdu))
        self.set_error_pdu_handler(lambda pdu: self.responses.append(pdu))
        self.version = version
        network.esmes.append(self)
        self.connect()
        known = {"system_id": smpp["system_id"], "password": smpp["password"], **account}
        getattr(self, f"bind_{bind}")(**known)

    def send_pdu(self, p: Any) -> Any:
        if p.command.startswith("bind_"):
            p.interface_version = self.version  # smpplib itself always says 3.4
        return super().send_pdu(p)

    def submit(self, text: bytes, to: str = FIRST, **fields: Any) -> Any:
        """Send one submit_sm and wait for its response: the message_id, or the status if it was refused."""
        known = {"source_addr": CODE, "source_addr_ton": 3, "dest_addr_ton": 1, "dest_addr_npi": 1}
        known |= {"registered_delivery": 1, "destination_addr": to, "short_message": text, **fields}
        return self.ask(lambda: self.send_message(**known))

    def ask(self, send: Callable[[], Any]) -> Any:
        """Send, and read until the response is there."""
        before = len(self.responses)
        send()
        self.read_until(lambda: len(self.responses) > before)
        pdu = self.responses[-1]
        return pdu.status if pdu.status else pdu.message_id.decode()

    def read_until(self, done: Callable[[], bool]) -> None:
        """Read PDUs until it is so; silence for WAIT_S fails the test."""
        while not done():
            self.read_once(auto_send_enquire_link=False)

    def receipts(self, count: int) -> list[str]:
        """The texts of the first receipts, once so many are there."""
        self.read_until(lambda: len(self._receipts()) >= count)
        return [pdu.short_message.decode() for pdu in self._receipts()]

    def mo(self, count: int) -> list[Any]:
        """The first MO texts, once so many are there."""
        self.read_until(lambda: len(self.deliveries) - len(self._receipts()) >= count)
        return [pdu for pdu in self.deliveries if not pdu.esm_class & 0x24]

    def drop(self) -> None:
        """Go without a word, answering nothing that is still unread."""
        if self._socket is None:
            return
        self.state = smpplib.consts.SMPP_CLIENT_STATE_OPEN  # what smpplib compares with before it warns
        self.disconnect()

    def _receipts(self) -> list[Any]:
        return [pdu for pdu in self.deliveries if pdu.esm_class & 0x24]

    def _keep_delivery(self, pdu: Any) -> int | None:
        self.deliveries.append(pdu)
        return self.answer_with
