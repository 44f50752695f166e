"""`motet documents`: a manifest is registered once, shown, and taken back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from motet.cli.main import main
from motet.storage.database import Database


async def test_documents_are_added_listed_and_removed(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, wrong = tmp_path / "manifest.json", tmp_path / "wrong.json"
    manifest.write_text(json.dumps({"viewer-1": "{ viewer { subject } }"}))
    wrong.write_text(json.dumps({"wrong": "{ nothing }"}))

    async def documents(*words: str) -> tuple[int, str]:
        status = await asyncio.to_thread(main, ["documents", *words, "--database-url", database.url])
        shown = capsys.readouterr()
        return status, (shown.out + shown.err).strip()

    assert await documents("add", str(manifest)) == (0, "1 documents are registered, 1 of them are new.")
    assert await documents("add", str(manifest), "--json") == (0, '{"event": "added", "documents": 1, "added": 0}')
    assert (await documents("list"))[1].endswith("22  viewer-1")
    status, told = await documents("add", str(wrong))
    assert (status, told[:50]) == (1, "motet: The document wrong: Cannot query field 'not")
    assert (await documents("add", str(manifest), "--workspace", "nobody"))[0] == 1
    assert (await documents("add", str(tmp_path / "missing.json")))[0] == 1
    assert await documents("remove", "viewer-1") == (0, "viewer-1 is removed.")
    assert (await documents("remove", "viewer-1"))[0] == 1
