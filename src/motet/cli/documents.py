"""`motet documents add FILE`: GraphQL documents that clients may name, from a shell."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from motet.bootstrap.documents import add_documents, list_documents, remove_document
from motet.cli.access_flags import DATABASE_FLAGS
from motet.config.errors import StartError
from motet.config.flags import add_flags, read_settings
from motet.domain.document_manifest import read_manifest
from motet.domain.errors import InvalidError
from motet.log import configure_logging

MAX_MANIFEST_OCTETS = 64 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="register the documents of a manifest")
    add.add_argument("file", metavar="FILE", type=Path, help="Apollo's manifest, or a JSON map from id to text")
    remove = actions.add_parser("remove", help="remove a document")
    remove.add_argument("document_id", metavar="ID", help="the id by which clients name it")
    shown = actions.add_parser("list", help="show what is registered")
    for action in (add, remove, shown):
        action.add_argument(
            "--workspace", metavar="W", help="the workspace that it is for; without one, the whole installation"
        )
        add_flags(action, (*DATABASE_FLAGS, "json"))


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments)
    configure_logging(settings.log_format, settings.log_level)
    if arguments.action == "add":
        documents = _read(arguments.file)
        added = add_documents(settings, arguments.workspace, documents)
        if settings.json:
            print(json.dumps({"event": "added", "documents": len(documents), "added": added}))
        else:
            print(f"{len(documents)} documents are registered, {added} of them are new.")
    elif arguments.action == "remove":
        remove_document(settings, arguments.workspace, arguments.document_id)
        print(json.dumps({"event": "removed"}) if settings.json else f"{arguments.document_id} is removed.")
    else:
        for row in list_documents(settings, arguments.workspace):
            if settings.json:
                print(json.dumps({"documentId": row["document_id"], "sha256": row["sha256"]}))
            else:
                print(f"{row['created_at']:%Y-%m-%d %H:%M}  {row['characters']:6}  {row['document_id']}")
    return 0


def _read(path: Path) -> list[tuple[str, str]]:
    try:
        if path.stat().st_size > MAX_MANIFEST_OCTETS:
            raise StartError(f"{path} is larger than {MAX_MANIFEST_OCTETS >> 20} MiB")
        return read_manifest(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise StartError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise StartError(f"{path} is not JSON: {error}") from error
    except InvalidError as error:
        raise StartError(f"{path}: {error.message}") from error
