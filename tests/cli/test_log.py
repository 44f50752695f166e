"""Logs go to standard error, as asked, without what must not be there."""

from __future__ import annotations

import json
import logging
import sys

import pytest
import structlog

from motet.config.values import LogFormat, LogLevel
from motet.log import configure_logging


def test_json_lines_hide_secrets_and_texts(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.JSON)
    log = structlog.get_logger()
    log.info("bound", system_id="demo", password="hunter2", text="Grüße", count=3)
    log.debug("not shown")
    logging.getLogger("uvicorn").warning("from a %s", "library", extra={"token": "eyJ"})
    out, err = capsys.readouterr()
    assert out == ""
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line.pop("timestamp")[-1] for line in lines] == ["Z", "Z"]
    assert lines == [
        {"event": "bound", "level": "info", "system_id": "demo", "password": "…", "text": "…", "count": 3},
        {"event": "from a library", "level": "warning", "token": "…"},
    ]


def test_texts_are_shown_at_debug_and_secrets_never(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.JSON, LogLevel.DEBUG)
    structlog.get_logger().debug("accepted", text="Grüße", secret="whsec")
    line = json.loads(capsys.readouterr().err)
    assert (line["text"], line["secret"]) == ("Grüße", "…")


def test_an_exception_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.JSON)
    try:
        raise ValueError("x")
    except ValueError:
        structlog.get_logger().exception("failed")
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "failed"
    assert "ValueError: x" in line["exception"]


def test_the_console_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.CONSOLE)
    structlog.get_logger().warning("link down", link="a")
    err = capsys.readouterr().err
    assert "link down" in err
    assert "link=a" in err
    assert "\x1b" not in err
    assert sys.stderr is not None


def test_a_traceback_on_the_console_shows_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.CONSOLE)
    try:
        password = "hunter2"
        raise ValueError(f"of {len(password)} characters")
    except ValueError:
        structlog.get_logger().exception("failed")
    err = capsys.readouterr().err
    assert "ValueError: of 7 characters" in err
    assert "hunter2" not in err.replace('password = "hunter2"', "")
