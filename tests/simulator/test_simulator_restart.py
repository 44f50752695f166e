"""Nothing that the simulated carrier took is lost by kill -9; and when it ends by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from simulator_support import CODE, FIRST, SECOND, START, WAIT_S, Network


def test_what_was_taken_survives_kill_9(start: Callable[..., Network], tmp_path: Path) -> None:
    before = start(data_dir=tmp_path)
    before.behave(SECOND, "absent", reply="back")
    esme = before.esme()
    delivered = esme.submit(b"delivered", registered_delivery=0)
    held = esme.submit(b"held", to=SECOND)
    esme.submit(bytes.fromhex("050003010201") + b"half ", esm_class=0x40, registered_delivery=0)
    esme.drop()
    before.call("POST", f"/phones/{FIRST}/mo", {"to": CODE, "text": "mo"})
    before.kill()

    after = start(data_dir=tmp_path)
    assert after.texts(FIRST) == ["delivered"]
    assert after.call("GET", f"/phones/{SECOND}").items() >= {"behaviour": "absent", "reply": "back", "held": 1}.items()
    esme = after.esme()
    assert esme.mo(1)[0].short_message == b"mo"
    assert esme.ask(lambda: esme.query_message(message_id=delivered, source_addr=CODE)) == delivered
    assert esme.responses[-1].message_state == 2
    newer = esme.submit(bytes.fromhex("050003010202") + b"whole", esm_class=0x40, registered_delivery=0)
    assert int(newer) > int(held)
    assert after.texts(FIRST) == ["delivered", "half whole"]
    after.behave(SECOND, "deliver")
    assert esme.receipts(1)[0].startswith(f"id:{held} ")
    assert after.texts(SECOND) == ["held"]
    assert esme.mo(2)[1].short_message == b"back"


def test_receipts_without_an_answer_survive_and_answered_ones_do_not_come_again(
    start: Callable[..., Network], tmp_path: Path
) -> None:
    before = start(data_dir=tmp_path)
    esme = before.esme()
    esme.submit(b"answered")
    esme.receipts(1)
    while before.call("GET", "/stats")["undelivered"]:
        pass
    esme.submit(b"unanswered")  # its receipt waits unread when the process dies
    before.kill()
    esme = start(data_dir=tmp_path).esme()
    (receipt,) = esme.receipts(1)
    assert receipt.endswith("text:unanswered")


def test_every_acknowledged_text_is_there_after_kill_9_under_load(
    start: Callable[..., Network], tmp_path: Path
) -> None:
    before = start(data_dir=tmp_path)
    esme = before.esme()
    for number in range(400):
        esme.send_message(source_addr=CODE, destination_addr=FIRST, short_message=str(number).encode())
    esme.read_until(lambda: len(esme.responses) >= 200)
    before.kill()
    acknowledged = {str(number) for number in range(len(esme.responses))}
    texts = start(data_dir=tmp_path).texts(FIRST)
    assert acknowledged <= set(texts)
    assert len(texts) == len(set(texts))


def test_a_directory_in_use_is_refused(start: Callable[..., Network], tmp_path: Path) -> None:
    start(data_dir=tmp_path)
    second = subprocess.run(
        [sys.executable, "-c", START, "--smpp", "127.0.0.1:0", "--network", "127.0.0.1:0", "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert second.returncode == 1
    assert second.stderr.startswith(f"motet simulator: the simulated network cannot use the data directory {tmp_path}")


def test_it_ends_with_its_parent(start: Callable[..., Network]) -> None:
    assert start().stop() == 0


def test_sigterm_ends_it_with_0(start: Callable[..., Network], tmp_path: Path) -> None:
    network = start(data_dir=tmp_path)
    network.esme()
    network.process.send_signal(signal.SIGTERM)
    assert network.stop() == 0


def test_the_phones_of_a_file(start: Callable[..., Network], tmp_path: Path) -> None:
    listed = tmp_path / "phones.json"
    listed.write_text('[{"msisdn": "491701234567", "imsi": "262010000000001", "iccid": "8949000000000000001"}]')
    network = start("--phones-file", str(listed))
    assert network.ready["phones"] == 1
    assert network.call("GET", "/phones") == [
        {
            "msisdn": "491701234567",
            "imsi": "262010000000001",
            "iccid": "8949000000000000001",
            "behaviour": "deliver",
        }
    ]
