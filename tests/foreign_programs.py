"""Programs that we did not write: a test that lacks one skips with the reason, or fails under MOTET_FOREIGN=1."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

FOREIGN = Path(__file__).parent / "foreign"


def missing(reason: str) -> NoReturn:
    """Skips, or fails where everything has been installed."""
    if os.environ.get("MOTET_FOREIGN") == "1":
        pytest.fail(f"MOTET_FOREIGN is set, and {reason}")
    pytest.skip(reason)


def program(name: str) -> str:
    """The path of an installed program."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    return path if path is not None else missing(f"{name} is not installed")


def node_with(package: str) -> str:
    """Node's path, if the package is there."""
    node = program("node")
    if not (FOREIGN / "node_modules" / package).is_dir():
        missing(f"{package} is not there: npm ci in tests/foreign")
    return node


def perl_with(module: str) -> str:
    """Perl's path, if the module is there."""
    perl = program("perl")
    if subprocess.run([perl, f"-M{module}", "-e", "1"], capture_output=True, check=False).returncode:
        missing(f"Perl's {module} is not installed")
    return perl
