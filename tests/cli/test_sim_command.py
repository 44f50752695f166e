"""`motet sim import`: a list from a shell, on a database of its own, without any node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from motet.bootstrap import sim_import
from motet.cli.main import main
from motet.fleet.seeds.tenant import identity


def lines(*numbers: int) -> str:
    return "\n".join(["Card;IMSI;MSISDN", *(";".join(identity(number)) for number in numbers)]) + "\n"


def test_a_list_is_imported_without_any_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sim_import, "NODE_WITHIN_S", 0.0)
    for command in ("migrate", "workspace", "sim"):  # loggers would keep this test's standard error, which closes
        monkeypatch.setattr(f"motet.cli.{command}.configure_logging", lambda *_: None)
    data = ["--data-dir", str(tmp_path / "data")]
    assert main(["migrate", *data]) == 0
    assert main(["workspace", "create", "shelf", *data]) == 0
    capsys.readouterr()
    file = tmp_path / "sims.csv"
    file.write_text(lines(1, 2, 1) + "x;y;z\n")
    call = ["sim", "import", str(file), "--workspace", "shelf", "--column", "iccid=Card", *data]
    assert main([*call, "--dry-run"]) == 1
    out, err = capsys.readouterr()
    assert out == "2 of 4 SIMs would be registered.\n"
    assert "line 4, iccid: Line 2 has this, too." in err
    assert "line 5, iccid: " in err
    assert main([*call, "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"event": "imported", "rows": 4, "registered": 2, "failed": 2}
    for wrong, words in (
        (["--workspace", "nobody"], "there is no workspace named nobody"),
        (["--column", "color=red"], "--column must be FIELD=NAME"),
        (["--delimiter", "x"], "A delimiter is"),
    ):
        assert main([*call, *wrong]) == 1
        assert words in capsys.readouterr().err


def test_commands_that_change_something_are_in_the_audit_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sim_import, "NODE_WITHIN_S", 0.0)
    for command in ("migrate", "workspace", "sim", "user", "documents", "audit"):
        monkeypatch.setattr(f"motet.cli.{command}.configure_logging", lambda *_: None)
    data = ["--data-dir", str(tmp_path / "data")]
    assert main(["migrate", *data]) == 0
    assert main(["workspace", "create", "shelf", *data]) == 0
    (tmp_path / "sims.csv").write_text(lines(1).replace("Card", "ICCID"))
    (tmp_path / "documents.json").write_text('{"viewer": "{ viewer { role } }"}')
    where = ["--workspace", "shelf", *data]
    for words in (
        ["user", "invite", "bert@example.org", *where],
        ["user", "invite", "olga@example.org", "--operator", *data],
        ["user", "reset", "olga@example.org", *data],
        ["documents", "add", str(tmp_path / "documents.json"), *where],
        ["documents", "remove", "viewer", *where],
        ["sim", "import", str(tmp_path / "sims.csv"), *where],
    ):
        assert main(words) == 0, words
    links = [line.partition("token=")[2] for line in capsys.readouterr().out.splitlines() if "token=" in line]
    assert main(["audit", "export", *data]) == 0
    text = capsys.readouterr().out
    entries = [json.loads(line)["entry"] for line in text.splitlines()]
    assert {entry["actor_kind"] for entry in entries} == {"SHELL"}
    changed = [(entry["workspace_id"] != 0, entry["action"]) for entry in entries if entry["changes"]]
    assert sorted(changed) == [
        (False, "motet user invite"), (False, "motet user reset"), (True, "SIM_IMPORT"),
        (True, "motet documents add"), (True, "motet documents remove"), (True, "motet sim import"),
        (True, "motet user invite"), (True, "motet workspace create"),
    ]  # fmt: skip
    assert len(links) == 3
    assert not [link for link in links if link in text]
    assert main(["audit", "verify", *data]) == 0
