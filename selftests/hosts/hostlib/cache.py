# SPDX-License-Identifier: GPL-2.0-only
"""Cache outside the tree, safe for any number of runs at the same time.

An entry is a directory named after a hash of everything it was made from, so
it never needs checking, and a changed input makes another entry. It is filled
under a temporary name and renamed, so whoever sees it sees all of it.
"""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import sys
import time

KEEP_DAYS = 21


def root():
    """The cache directory; $NESTOR_CACHE moves it."""
    path = os.environ.get("NESTOR_CACHE")
    if not path:
        path = os.path.join(os.path.expanduser("~"), ".cache", "nestor")
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def say(text):
    """Progress, on stderr: stdout belongs to the command in the host."""
    print("host: " + text, file=sys.stderr, flush=True)


def digest(*parts):
    """Hash of strings, bytes, and files given as paths."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, pathlib.Path):
            part = part.read_bytes()
        elif isinstance(part, str):
            part = part.encode()
        h.update(len(part).to_bytes(8, "little"))
        h.update(part)
    return h.hexdigest()[:16]


@contextlib.contextmanager
def lock(name):
    """Hold one named lock; waiting longer than a moment is announced."""
    path = root() / ("." + name.replace("/", "_") + ".lock")
    with open(path, "w", encoding="ascii") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that prepares {name}")
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def entry(name, key, fill, note=None):
    """The directory NAME-KEY, made by fill(directory) when it is missing."""
    path = root() / f"{name}-{key}"
    if path.is_dir():
        with contextlib.suppress(OSError):
            os.utime(path)
        return path
    with lock(name):
        if path.is_dir():
            return path
        if note:
            say(note)
        start = time.monotonic()
        tmp = root() / f".{name}-{key}.{os.getpid()}"
        shutil.rmtree(tmp, ignore_errors=True)
        tmp.mkdir()
        try:
            fill(tmp)
            tmp.rename(path)
        except BaseException:
            shutil.rmtree(tmp, ignore_errors=True)
            raise
        if note:
            say(f"{name} ready after {time.monotonic() - start:.1f} s")
        prune(name)
    return path


def prune(name):
    """Remove entries of the same name that nobody used for weeks."""
    limit = time.time() - KEEP_DAYS * 86400
    for old in root().glob(name + "-*"):
        if old.is_dir() and old.stat().st_mtime < limit:
            shutil.rmtree(old, ignore_errors=True)
