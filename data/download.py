"""Download CIFAR from its original host, verify it, and unpack it."""

import fcntl
import hashlib
import os
import shutil
import time
from pathlib import Path

import requests
import urllib3

from common.environment import bar
from common.errors import UserError
from common.files import short

from . import layouts

PAUSE = 1.0  # seconds before the second attempt; twice as many before each further one
HOST = "https://www.cs.toronto.edu/~kriz/"


def is_complete(folder, layout):
    """Return whether a folder has all files of a set's binary version."""
    names = (*layout.train, layout.test)
    return all((folder / f"{name}{layouts.BINARY}").is_file() for name in names)


def fetch(dataset, folder, host=HOST):
    """Return the folder of a set, folder/<the archive's folder>; download the set if needed."""
    layout = layouts.LAYOUTS[dataset]
    target = Path(folder) / layout.folders[0]
    archive = Path(folder) / layout.archive
    # without the lock, which another user can own in a shared folder
    if is_complete(target, layout):
        return target
    archive.parent.mkdir(parents=True, exist_ok=True)
    with open(archive.with_name(f"{archive.name}.lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # runs that start together share one download
        except OSError as error:
            raise UserError(
                f"the file system of {archive.parent} has no locks ({error.strerror}): download "
                f"{host}{archive.name} yourself, and name it with --data-dir (make: DATA=)"
            ) from error
        if not is_complete(target, layout):
            download(host + archive.name, archive, layout.md5)
            partial = target.with_name(f"{target.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            layouts.unpack(archive, layout, partial)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(partial, target)
            archive.unlink()
    return target


def download(url, path, md5, attempts=5):
    """Download a file. Resumes after a broken connection, and from the part of an earlier call.

    Raises UserError if the download fails, and if the content has another MD5.
    """
    if path.is_file() and _md5(path) == md5:
        return
    wrong = f"its MD5 is not {md5}"
    reason = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            _append_rest(url, path)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            # the text of this error is long and technical
            is_offline = isinstance(error, requests.ConnectionError)
            reason = "no connection to the server" if is_offline else short(error)
            continue
        if _md5(path) == md5:
            return
        path.unlink()
        if reason == wrong:  # the file on the server is wrong
            break
        reason = wrong
    kept = " (the received part is kept)" if path.exists() else ""
    raise UserError(
        f"cannot download {url} ({reason}): try again later{kept}, or fetch the archive by other "
        "means, and name it with --data-dir (make: DATA=)"
    )


def _append_rest(url, path):
    """Append to a file the rest of its content. urllib3 raises an error if the connection breaks."""
    size = path.stat().st_size if path.exists() else 0
    # some servers declare gzip as the content's encoding, and requests would then unpack the file
    headers = {"Accept-Encoding": "identity"}
    if size:
        headers["Range"] = f"bytes={size}-"
    with requests.get(url, stream=True, timeout=30, headers=headers) as response:
        if response.status_code == 416 and size:  # nothing is left
            return
        response.raise_for_status()
        if response.status_code != 206:  # the server starts from the beginning
            size = 0
        with open(path, "ab" if size else "wb") as file, bar(
            total=size + (response.raw.length_remaining or 0) or None,
            initial=size,
            unit="B",
            unit_scale=True,
            desc=path.name,
        ) as progress:
            for chunk in response.raw.stream(1 << 16, decode_content=False):
                progress.update(file.write(chunk))


def _md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()
