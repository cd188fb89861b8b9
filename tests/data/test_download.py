"""The download from a server on the loopback that breaks, lies and refuses."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from archives import INSIDE, archives, everything, is_whole, md5
from conftest import refusal

from data import download


def test_file_arrives_whole_in_one_request(server, tmp_path, archive):
    server.content = archive
    download.download(server.host + "a.bin", tmp_path / "new" / "a.bin", md5(archive))
    assert server.requests == [("/a.bin", None, 200, len(archive))]
    assert everything(tmp_path / "new") == {"a.bin": archive}, "something was left beside the file"


def test_broken_download_goes_on_where_it_broke(server, tmp_path, archive):
    server.content, server.breaks = archive, 1
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    first, second = server.requests
    assert first[1:3] == (None, 200)
    start = int(second[1][len("bytes=") : -1])
    assert second[1:] == (
        f"bytes={start}-",
        206,
        len(archive) - start,
    ), "more than the remainder was sent"
    assert first[3] - (1 << 16) <= start <= first[3], "most of what had arrived was thrown away"
    assert (tmp_path / "a.bin").read_bytes() == archive


def test_download_that_breaks_several_times_still_arrives(server, tmp_path, archive):
    server.content, server.breaks = archive, 4
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    starts = [int(asked[len("bytes=") : -1]) for _, asked, _, _ in server.requests[1:]]
    assert len(server.requests) == 5 and starts == sorted(starts) and starts[0] > 0
    assert (tmp_path / "a.bin").read_bytes() == archive


def test_broken_download_starts_again_if_the_server_ignores_ranges(server, tmp_path, archive):
    server.content, server.breaks, server.ranges = archive, 1, False
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert [request[2:] for request in server.requests] == [
        (200, server.requests[0][3]),
        (200, len(archive)),
    ]
    assert server.requests[1][1] is not None
    assert (
        tmp_path / "a.bin"
    ).read_bytes() == archive, "the second answer was appended to the first"


def test_what_has_arrived_is_kept_for_the_next_command(server, tmp_path, archive):
    server.content, server.breaks = archive, 1000
    refusal(
        lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive)),
        server.host + "a.bin",
        "is kept",
        "--data-dir",
    )
    (partial,) = tmp_path.iterdir()
    kept = partial.read_bytes()
    assert partial.name != "a.bin" and archive.startswith(kept) and len(kept) > len(archive) // 4
    server.breaks = 0
    del server.requests[:]
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert server.requests == [("/a.bin", f"bytes={len(kept)}-", 206, len(archive) - len(kept))]
    assert everything(tmp_path) == {"a.bin": archive}


def test_server_that_is_down_is_reported_and_what_has_arrived_is_kept(
    closed_host, server, tmp_path, archive
):
    server.content, server.breaks = archive, 1
    refusal(
        lambda: download.download(
            server.host + "a.bin", tmp_path / "a.bin", md5(archive), attempts=1
        )
    )
    before = everything(tmp_path)
    refusal(
        lambda: download.download(closed_host + "a.bin", tmp_path / "a.bin", md5(archive)),
        closed_host + "a.bin",
        "is kept",
        "--data-dir",
    )
    assert before and everything(tmp_path) == before


@pytest.mark.parametrize("ranges", [True, False])
def test_wrong_checksum_is_refused_and_leaves_nothing(server, tmp_path, archive, ranges):
    server.content, server.wrong, server.ranges = archive, 1000, ranges
    message = refusal(
        lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive)),
        server.host + "a.bin",
        "MD5",
        "--data-dir",
    )
    assert "is kept" not in message, "it was not kept, and should not be"
    assert everything(tmp_path) == {}
    assert len(server.requests) <= 5


def test_download_without_end_is_refused_and_leaves_nothing(server, tmp_path, archive, monkeypatch):
    server.content = archive
    monkeypatch.setattr(download, "LARGEST", len(archive) // 2)
    refusal(
        lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive)),
        server.host + "a.bin",
        "--data-dir",
    )
    assert everything(tmp_path) == {}


def test_wrong_bytes_once_are_downloaded_again_from_the_beginning(server, tmp_path, archive):
    server.content, server.wrong = archive, 1
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert [request[1] for request in server.requests] == [None, None]
    assert everything(tmp_path) == {"a.bin": archive}


def test_wrong_beginning_does_not_spoil_the_download_for_ever(server, tmp_path, archive):
    server.content, server.wrong, server.breaks = archive, 1, 1
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert [request[1] is None for request in server.requests] == [True, False, True]
    assert everything(tmp_path) == {"a.bin": archive}


@pytest.mark.parametrize("extra", [b"", b"and more"])
def test_download_that_was_whole_already_is_finished_whatever_the_server_says(
    server, tmp_path, archive, extra
):
    """It ended between the last byte and the renaming: the server answers 416 to a range that
    begins at the end.
    """
    server.content, server.breaks = archive, 1000
    refusal(
        lambda: download.download(
            server.host + "a.bin", tmp_path / "a.bin", md5(archive), attempts=1
        )
    )
    (partial,) = tmp_path.iterdir()
    partial.write_bytes(archive + extra)
    server.breaks = 0
    del server.requests[:]
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert everything(tmp_path) == {"a.bin": archive}
    assert [request[2] for request in server.requests] == ([416, 200] if extra else [416])


@pytest.mark.parametrize("status", [404, 416, 503])
def test_refusing_server_is_reported_and_leaves_nothing(server, tmp_path, archive, status):
    server.content, server.status = archive, status
    refusal(
        lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive)),
        server.host + "a.bin",
        status,
        "--data-dir",
    )
    assert everything(tmp_path) == {}
    assert 1 <= len(server.requests) <= 5


def test_whole_file_is_not_downloaded_again_but_a_spoilt_one_is(server, tmp_path, archive):
    server.content = archive
    (tmp_path / "a.bin").write_bytes(archive)
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert server.requests == []
    (tmp_path / "a.bin").write_bytes(archive[:-1])
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert len(server.requests) == 1 and everything(tmp_path) == {"a.bin": archive}


def test_error_without_words_still_gives_a_reason(closed_host, tmp_path, monkeypatch):
    def get(*arguments, **options):
        raise download.requests.ConnectionError()

    monkeypatch.setattr(download.requests, "get", get)
    refusal(
        lambda: download.download(closed_host + "a.bin", tmp_path / "a.bin", md5(b"")),
        "ConnectionError",
    )


def test_two_commands_at_once_share_one_download(server, tmp_path, archive):
    server.content = archive
    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(
                download.fetch, "cifar10", tmp_path / "data", server.host, archives(archive)
            )
            for _ in range(2)
        ]
        assert all(is_whole(call.result()) for call in calls)
    assert len(server.requests) == 1


def test_fetched_set_lies_in_its_folder_and_the_archive_is_gone(server, tmp_path, archive):
    server.content, server.breaks = archive, 1
    target = download.fetch("cifar10", tmp_path / "data", server.host, archives(archive))
    assert target == tmp_path / "data" / INSIDE and is_whole(target)
    assert {path.name for path in (tmp_path / "data").iterdir()} == {INSIDE, "set.tar.gz.lock"}
    assert server.requests[0][0] == "/set.tar.gz"


def test_existing_set_is_not_downloaded_again(closed_host, server, tmp_path, archive):
    server.content = archive
    download.fetch("cifar10", tmp_path, server.host, archives(archive))
    before = everything(tmp_path)
    assert download.fetch("cifar10", tmp_path, server.host, archives(archive)) == tmp_path / INSIDE
    assert download.fetch("cifar10", tmp_path, closed_host, archives(archive)) == tmp_path / INSIDE
    assert len(server.requests) == 1 and everything(tmp_path) == before


def test_set_that_lacks_a_file_is_fetched_again(server, tmp_path, archive):
    server.content = archive
    download.fetch("cifar10", tmp_path, server.host, archives(archive))
    (tmp_path / INSIDE / "data_batch_4.bin").unlink()
    assert is_whole(download.fetch("cifar10", tmp_path, server.host, archives(archive)))


def test_failed_fetch_names_the_other_way(closed_host, server, tmp_path, archive):
    server.content, server.wrong = archive, 1000
    refusal(
        lambda: download.fetch("cifar10", tmp_path, closed_host, archives(archive)),
        closed_host,
        "--data-dir",
        "DATA=",
    )
    refusal(
        lambda: download.fetch("cifar10", tmp_path, server.host, archives(archive)),
        server.host,
        "--data-dir",
        "DATA=",
    )
    assert not (tmp_path / INSIDE).exists()


def test_archive_that_cannot_be_unpacked_is_refused_by_fetch(server, tmp_path, archive):
    server.content = archive[: len(archive) // 2]  # cut, with the checksum that goes with it
    refusal(
        lambda: download.fetch("cifar10", tmp_path, server.host, archives(server.content)),
        tmp_path / "set.tar.gz",
        "delete",
    )
    assert not (tmp_path / INSIDE).exists()


def test_command_without_a_data_set_says_how_to_use_it():
    result = subprocess.run(
        [sys.executable, "-m", "data.download", "imagenet"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 2 and result.stdout == ""
    assert len(result.stderr.splitlines()) == 1 and "cifar10|cifar100" in result.stderr


@pytest.mark.parametrize("length", ["garbage", "", "-5", "{0}, {0}", "1e3", "9" * 30])
def test_length_that_is_none_leaves_the_checksum_to_decide(server, tmp_path, archive, length):
    server.content = archive
    server.headers = {"Content-Length": length.format(len(archive)), "Connection": "close"}
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert everything(tmp_path) == {"a.bin": archive}


def test_archive_that_the_server_calls_an_encoding_arrives_as_it_is(server, tmp_path, archive):
    server.content = archive
    server.headers = {"Content-Encoding": "gzip"}
    download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive))
    assert everything(tmp_path) == {"a.bin": archive}


@pytest.mark.parametrize(
    "location",
    ["http://", "ftp://a/b", "http://[::1", "http://a:b/", "http://.a/", "http://127.0.0.1:99999/"],
)
def test_way_that_leads_nowhere_is_one_line(server, tmp_path, location):
    server.status, server.headers = 302, {"Location": location}
    refusal(
        lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(b"")),
        server.host + "a.bin",
        "--data-dir",
    )
    assert everything(tmp_path) == {}


def test_attempts_have_growing_pauses_between_them(server, tmp_path, archive, monkeypatch):
    pauses = []
    server.content, server.breaks = archive, 1000
    monkeypatch.setattr(download, "PAUSE", 1.0)
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    refusal(lambda: download.download(server.host + "a.bin", tmp_path / "a.bin", md5(archive)))
    assert pauses == [1, 2, 4, 8]


def test_whole_set_of_somebody_else_is_used_without_a_lock(closed_host, server, tmp_path, archive):
    server.content = archive
    download.fetch("cifar10", tmp_path, server.host, archives(archive))
    lock = tmp_path / "set.tar.gz.lock"
    lock.unlink()
    lock.mkdir()  # nobody can open it, not even root
    assert download.fetch("cifar10", tmp_path, closed_host, archives(archive)) == tmp_path / INSIDE
