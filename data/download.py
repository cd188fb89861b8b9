"""Download CIFAR from its original host, verify it, and unpack it. The archive is untrusted input.

python -m data.download cifar10        # into data/cifar-10-batches-bin/
"""

import fcntl
import hashlib
import os
import re
import shutil
import tarfile
import time
import zlib
from pathlib import Path

import requests
import urllib3
from tqdm import tqdm

from common.command import Parser
from common.errors import UserError, run_main

PAUSE = 1.0  # seconds before the second attempt; twice as many before each further one
LARGEST = 1 << 30  # bytes; the official archives have 170 million
HOST = "https://www.cs.toronto.edu/~kriz/"
# archive, MD5 as its page states it, folder inside, files to take
ARCHIVES = {
    "cifar10": (
        "cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
        "cifar-10-batches-bin",
        [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"],
    ),
    "cifar100": (
        "cifar-100-binary.tar.gz",
        "03b5dce01913d631647c71ecec9e9cb8",
        "cifar-100-binary",
        ["train.bin", "test.bin"],
    ),
}


def fetch(dataset, folder, host=HOST, archives=ARCHIVES):
    """The path of a set, folder/<the archive's folder>. Downloads the set unless it exists."""
    archive, md5, inside, files = archives[dataset]
    target = Path(folder) / inside
    path = Path(folder) / archive

    def is_complete():
        return all((target / name).is_file() for name in files)

    if is_complete():  # without the lock, which another user can own in a shared folder
        return target
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f"{archive}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # runs that start together share one download
        if not is_complete():
            download(host + archive, path, md5)
            extract(path, Path(folder), inside, files)
            path.unlink()
    return target


def download(url, path, md5, attempts=5):
    """Download a file, and resume if the connection breaks.

    Raises UserError if that fails, and for content with another MD5.
    """
    partial = path.with_name(path.name + ".partial")
    if path.is_file() and _md5(path) == md5:
        return
    wrong = f"its MD5 is not {md5}"
    reason = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            _continue(url, partial)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            reason = error
            if _is_final(error):
                break
            continue
        if _md5(partial) == md5:
            os.replace(partial, path)
            return
        partial.unlink()
        if reason == wrong:  # the file on the server is wrong
            break
        reason = wrong
    kept = " (what has arrived is kept)" if partial.exists() else ""
    raise UserError(
        f"cannot download {url} ({_short(reason)}): try again later{kept}, or fetch the archive by "
        "other means, and name it by --data-dir (make: DATA=)"
    )


def _is_final(error):
    """Whether a second attempt would have the same result: an invalid address, or status 4xx."""
    response = getattr(error, "response", None)
    return isinstance(error, ValueError) or response is not None and response.status_code < 500


def _length(response):
    """Content-Length in bytes, or 0 if it is missing or invalid."""
    text = response.headers.get("Content-Length", "").split(",")[0].strip()  # the first of two
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else 0


def _continue(url, partial):
    """Append to partial the rest of the content."""
    have = partial.stat().st_size if partial.exists() else 0
    # some servers call gzip the encoding of the content, and requests would unpack it
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, stream=True, timeout=30, headers=headers) as response:
        if response.status_code == 416 and have:  # nothing is left
            return
        response.raise_for_status()
        if response.status_code != 206:  # the server starts from the beginning
            have = 0
        expected = have + _length(response)
        with open(partial, "ab" if have else "wb") as file, tqdm(
            total=expected or None,
            initial=have,
            unit="B",
            unit_scale=True,
            desc=url.rsplit("/", 1)[-1],
        ) as bar:
            for chunk in response.raw.stream(1 << 16, decode_content=False):
                if file.tell() > LARGEST:
                    partial.unlink()
                    raise UserError(
                        f"{url} sends more than {LARGEST:,} bytes, so it is not CIFAR: fetch the "
                        "archive by other means, and name it by --data-dir (make: DATA=)"
                    )
                file.write(chunk)
                bar.update(len(chunk))
    if partial.stat().st_size < expected:
        raise requests.ConnectionError(
            f"the connection broke at {partial.stat().st_size:,} of {expected:,} bytes"
        )


def extract(path, folder, inside, files):
    """Unpack the named files of an archive's folder, and nothing else.

    The folder appears when it is complete. Raises UserError for a corrupt archive.
    """
    partial = folder / (inside + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with tarfile.open(path, "r:gz") as archive:
            for name in files:
                member = archive.getmember(f"{inside}/{name}")
                if not member.isfile():
                    raise UserError(
                        f"{path}: {member.name} is not a regular file; use the official archive"
                    )
                with archive.extractfile(member) as source, open(partial / name, "wb") as target:
                    shutil.copyfileobj(source, target)
    except (tarfile.TarError, KeyError, EOFError, OSError, zlib.error) as error:
        raise UserError(
            f"{path} cannot be unpacked ({_short(error)}): delete it, and re-run the command"
        ) from error
    shutil.rmtree(folder / inside, ignore_errors=True)
    os.replace(partial, folder / inside)


def _md5(path):
    digest = hashlib.md5()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _short(reason):
    return (str(reason) or type(reason).__name__).splitlines()[0][:200]


def main():
    parser = Parser(__doc__)
    parser.add_argument("dataset", choices=ARCHIVES, metavar="|".join(ARCHIVES))
    print(fetch(parser.parse_args().dataset, Path(__file__).resolve().parent))


if __name__ == "__main__":
    run_main(main)
