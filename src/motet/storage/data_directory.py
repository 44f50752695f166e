"""The directory where one Motet keeps what is its own, and the lock that keeps a second one out of it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from motet.config.errors import StartError

LOCK_NAME = "motet.lock"


class DataDirectoryLock:
    """Held while a process uses a data directory. The kernel frees it with the process: kill -9 leaves none."""

    __slots__ = ("_descriptor", "path")

    def __init__(self, directory: Path) -> None:
        """Makes the directory if it is missing (mode 0700) and locks it. Raises StartError if another Motet has it."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path = directory.resolve() / LOCK_NAME
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"cannot use the data directory {directory}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StartError(
                f"the data directory {directory} is in use by another motet (process {holder}); "
                "stop that one, or give this one its own with --data-dir"
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Lets another process have the directory. Harmless when done twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> DataDirectoryLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
