"""Fetch CIFAR from its original host: resumed where it broke, checked, and unpacked without
trusting the archive.

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
    """Make sure that folder/<the archive's folder> holds the set, and return that path. Downloads
    at most once."""
    archive, md5, inside, files = archives[dataset]
    target = Path(folder) / inside
    path = Path(folder) / archive

    def is_complete():
        return all((target / name).is_file() for name in files)

    if is_complete():  # which is no business of a lock: others may own it, as in a shared folder
        return target
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f"{archive}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs that begin together share one download
        if not is_complete():
            download(host + archive, path, md5)
            extract(path, Path(folder), inside, files)
            path.unlink()
    return target


def download(url, path, md5, attempts=5):
    """url -> path, whole and with the right MD5, or UserError. A broken download goes on from where
    it broke."""
    partial = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and _md5(path) == md5:
        return
    reason = None
    for attempt in range(attempts):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            _continue(url, partial)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            reason = error
            if _stays(error):
                break
            continue
        if _md5(partial) == md5:
            os.replace(partial, path)
            return
        whole_and_wrong = reason == f"its MD5 is not {md5}"
        reason = f"its MD5 is not {md5}"
        # only a new beginning can help, and only once: a wrong file on the server stays wrong
        partial.unlink()
        if whole_and_wrong:
            break
    kept = " (what has arrived is kept)" if partial.exists() else ""
    raise UserError(
        f"cannot download {url} ({_short(reason)}): try again later{kept}, or fetch it "
        "by other means, unpack it, and name its folder by --data-dir (make: DATA=)"
    )


def _stays(error):
    """Whether the next answer will be the same: an address that is none (ValueError), or a refusal."""
    response = getattr(error, "response", None)
    return isinstance(error, ValueError) or response is not None and response.status_code < 500


def _length(response):
    """What Content-Length says, in bytes; 0 if it says nothing, or no number."""
    text = response.headers.get("Content-Length", "").split(",")[0].strip()  # of two, the first
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else 0


def _continue(url, partial):
    """Append to partial what url has beyond it."""
    have = partial.stat().st_size if partial.exists() else 0
    # the archive's own bytes: some servers call them an encoding of what is inside, and requests
    # would unpack that
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
                        f"{url} sends more than {LARGEST:,} bytes, which is no CIFAR: "
                        "fetch it by other means, and name its folder by --data-dir "
                        "(make: DATA=)"
                    )
                file.write(chunk)
                bar.update(len(chunk))
    if partial.stat().st_size < expected:
        raise requests.ConnectionError(
            f"the connection broke at {partial.stat().st_size:,} of {expected:,} bytes"
        )


def extract(path, folder, inside, files):
    """Take the named regular files out of <path>:<inside>/ and nothing else; the folder appears
    whole or not at all."""
    partial = folder / (inside + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with tarfile.open(path, "r:gz") as archive:
            for name in files:
                member = archive.getmember(f"{inside}/{name}")
                if not member.isfile():
                    raise UserError(
                        f"{path}: {member.name} is no regular file; this is not the "
                        "official archive"
                    )
                with archive.extractfile(member) as source, open(partial / name, "wb") as target:
                    shutil.copyfileobj(source, target)
    except (tarfile.TarError, KeyError, EOFError, OSError, zlib.error) as error:
        raise UserError(
            f"{path} cannot be unpacked ({_short(error)}): delete it and run the same command again"
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
