"""A disk that runs full: a small file system for a database, and what fills it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from conftest import Database, DatabaseServer
from psycopg import sql

SIZE_BYTES = 128 * 2**20
_SMALL_BYTES_MAX = 256 * 2**20
_TABLESPACE = sql.Identifier("small_disk")
_BALLAST = "ballast"


class SmallDisk:
    """A file system of about 100 MB at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, spare_bytes: int = 0) -> None:
        """No more than about so many bytes are free."""
        with (self.folder / _BALLAST).open("ab") as ballast:
            while (room := _free_bytes(self.folder) - spare_bytes) > 0:
                with contextlib.suppress(OSError):  # others wrote meanwhile: what is free now is less
                    os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, room)

    def empty(self) -> None:
        """There is room again."""
        (self.folder / _BALLAST).unlink(missing_ok=True)


class SmallTablespace(SmallDisk):
    """A small disk on which a server may keep databases."""

    def __init__(self, folder: Path, server: DatabaseServer) -> None:
        super().__init__(folder)
        self._server = server

    def take(self, database: Database) -> None:
        """The database, to which nobody is connected, lives here."""
        name = sql.Identifier(database.environment["PGDATABASE"])
        self._server.run(sql.SQL("ALTER DATABASE {} SET TABLESPACE {}").format(name, _TABLESPACE))


@contextlib.contextmanager
def small_disk(parent: Path) -> Iterator[SmallDisk | None]:
    """A small disk in memory, mounted below `parent`; None where we may not mount."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="nyttig-test-", dir=parent))
        stack.callback(folder.rmdir)
        wanted = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES},mode=0755", "nyttig-test", str(folder)]
        mounted = (
            shutil.which("mount") and not subprocess.run(wanted, capture_output=True, check=False).returncode
        )
        if mounted:
            stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
        yield SmallDisk(folder) if mounted else None


@contextlib.contextmanager
def small_tablespace(server: DatabaseServer) -> Iterator[SmallTablespace | None]:
    """A small disk for databases of the server; None where this machine has none to give.

    Root may mount one, though not in a container without that privilege. There /dev/shm is one: 64 MB, where nothing
    else was asked for.
    """
    with psycopg.connect(server.database("postgres").conninfo) as connection:
        process = Path("/proc", str(connection.info.backend_pid))
        root, account = process.joinpath("root").readlink(), process.stat()
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(small_disk(root / "tmp"))
        folder = _shared_memory(stack, root / "dev/shm") if disk is None else disk.folder
        if folder is None:
            yield None
            return
        place = folder / "tablespace"
        place.mkdir(mode=0o700)
        os.chown(place, account.st_uid, account.st_gid)
        seen = str(Path("/") / place.relative_to(root))
        server.run(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(_TABLESPACE, seen))
        stack.callback(server.run, sql.SQL("DROP TABLESPACE {}").format(_TABLESPACE))
        yield SmallTablespace(folder, server)


def _shared_memory(stack: contextlib.ExitStack, memory: Path) -> Path | None:
    """A folder in the machine's shared memory, where that is small; None where it is not."""
    if not memory.is_dir() or _free_bytes(memory) > _SMALL_BYTES_MAX:
        return None
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="nyttig-test-", dir=memory))
    Path(folder).chmod(0o755)
    return Path(folder)


def _free_bytes(folder: Path) -> int:
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize
