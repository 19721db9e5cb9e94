"""Partitions are checked against their manifests and replaced whole or not at all."""

from __future__ import annotations

import json
import os
from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest
from dbn_files import new_york, trades, tree, write

from es_physics.bronze.feeds import FEED_BY_PATH
from es_physics.bronze.partitions import check_partition, partitions, verify_partition
from es_physics.files import file_sha256
from ingest.errors import InputError
from ingest.importer import import_paths
from ingest.staging import Staging

DAY = date(2025, 12, 16)
FEED = FEED_BY_PATH["futures/trades"]
T0 = new_york("2025-12-16 09:30")


def quiet(paths, root, **options):
    return import_paths(paths, root, report=lambda _: None, **options)


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "in.dbn", "trades", trades(T0 + np.arange(30)))


@pytest.fixture
def root(source, tmp_path):
    quiet([source], tmp_path / "b")
    return tmp_path / "b"


@pytest.fixture
def folder(root):
    return FEED.partition_dir(root, DAY)


def edit(folder, **changes) -> None:
    path = folder / "_manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_good_partition_tells_its_files(root, folder) -> None:
    check = verify_partition(root, FEED, DAY)
    assert (check.status, check.problem, check.rows) == ("ok", None, 30)
    assert check.files == [folder / "data.parquet"]
    assert check.sha256 == [file_sha256(folder / "data.parquet")]


def test_missing_is_no_folder_or_an_empty_one(root) -> None:
    other = FEED_BY_PATH["options/nbbo"]
    assert check_partition(root, other, DAY).status == "missing"
    other.partition_dir(root, DAY).mkdir(parents=True)
    assert check_partition(root, other, DAY).status == "missing"


@pytest.mark.parametrize(
    ("above", "problem"),
    [
        (0, "date=2025-12-16 is a link that leads nowhere"),
        (2, "trades is a link that leads nowhere"),
        (None, "is no folder"),
    ],
)
def test_what_cannot_be_looked_into_is_not_missing(root, folder, above, problem) -> None:
    """A disk that is not mounted must not look like data that was never bought."""
    gone = folder if above is None else (folder, *folder.parents)[above]
    gone.rename(gone.with_name("elsewhere"))
    if above is None:
        folder.touch()
    else:
        gone.symlink_to(root / "not mounted")
    check = check_partition(root, FEED, DAY)
    assert check.status == "invalid"
    assert check.problem.endswith(problem)


def test_links_to_what_is_there_are_followed(root, folder) -> None:
    file = folder / "data.parquet"
    file.symlink_to(file.rename(root / "kept.parquet"))
    folder.symlink_to(folder.rename(root / "kept"))
    assert verify_partition(root, FEED, DAY).status == "ok"


def flip_a_byte(folder) -> None:
    data = bytearray((folder / "data.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "data.parquet").write_bytes(data)


def append_a_byte(folder) -> None:
    with (folder / "data.parquet").open("ab") as file:
        file.write(b"x")


def edit_rows_everywhere(folder) -> None:
    path = folder / "_manifest.json"
    path.write_text(path.read_text().replace('"rows": 30', '"rows": 31'))


def rewrite(change):
    """Replace the data by `change(table)`, with a manifest that fits its bytes."""

    def run(folder) -> None:
        path = folder / "data.parquet"
        table = change(pq.ParquetFile(path).read())
        pq.write_table(table, path)
        entry = {
            "name": "data.parquet",
            "bytes": path.stat().st_size,
            "rows": table.num_rows,
            "sha256": file_sha256(path),
        }
        edit(folder, files=[entry], bytes=entry["bytes"])

    return run


DAMAGE = {
    "flipped byte": (flip_a_byte, "sha256", True),
    "longer file": (append_a_byte, "bytes", True),
    "missing file": (lambda f: (f / "data.parquet").unlink(), "data.parquet is missing", True),
    "missing manifest": (lambda f: (f / "_manifest.json").unlink(), "no _manifest.json", True),
    "extra file": (lambda f: (f / "more.parquet").touch(), "more.parquet is not in", True),
    "manifest is no JSON": (
        lambda f: (f / "_manifest.json").write_text("{"),
        "manifest unusable",
        True,
    ),
    "manifest lacks files": (lambda f: edit(f, files=[], rows=0, bytes=0), "lists no file", True),
    "manifest of another date": (lambda f: edit(f, date="2025-12-17"), "manifest is of", True),
    "manifest of another feed": (lambda f: edit(f, feed="options/trades"), "manifest is of", True),
    "manifest of another format": (lambda f: edit(f, format=2), "manifest is of", True),
    "edited total": (lambda f: edit(f, rows=29), "29 rows", True),
    "edited rows": (edit_rows_everywhere, "has 30 rows", False),
    "edited first": (lambda f: edit(f, first_ts_recv=T0 - 1), "first_ts_recv", False),
    "edited last": (lambda f: edit(f, last_ts_recv=T0 + 30), "last_ts_recv", False),
    "unsorted": (rewrite(lambda t: t.take([*range(29, -1, -1)])), "row_nr", False),
    "unsorted times": (
        rewrite(lambda t: t.set_column(0, t.field(0), t["ts_recv"].take([*range(29, -1, -1)]))),
        "not sorted by ts_recv",
        False,
    ),
    "a column too few": (
        rewrite(lambda t: t.drop_columns(["depth"])),
        "has no column depth",
        False,
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found(root, folder, name: str) -> None:
    damage, said, is_cheap = DAMAGE[name]
    damage(folder)
    check = verify_partition(root, FEED, DAY)
    assert check.status == "invalid"
    assert said in (check.problem or "")
    assert (check.files, check.rows) == ([], 0)
    assert (check_partition(root, FEED, DAY).status == "invalid") is is_cheap


def test_hashing_can_be_left_out(root, folder) -> None:
    flip_a_byte(folder)
    assert check_partition(root, FEED, DAY, hash_files=False).status == "ok"


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("is_kill", [True, False])
def test_a_swap_that_is_cut_short_leaves_the_old_partition(
    source, root, tmp_path, monkeypatch, failing, is_kill
) -> None:
    """The first rename takes the old partition out, the second puts the new one in."""
    before = tree(root)
    other = write(tmp_path / "other.dbn", "trades", trades(T0 + np.arange(5)))
    calls = []

    class Cut(BaseException):
        pass

    def rename(src, dst, really=os.rename) -> None:
        calls.extend([src] if "date=" in f"{src}{dst}" else [])
        if len(calls) == failing:
            raise Cut
        really(src, dst)

    with monkeypatch.context() as patch:
        patch.setattr("ingest.staging.os.rename", rename)
        if is_kill:  # A killed process clears nothing; its lock goes with it.
            patch.setattr(Staging, "__exit__", lambda self, *_: os.close(self._lock))
        with pytest.raises(Cut):
            quiet([other], root, force=True)
    if is_kill:
        assert (root / "_staging").exists()
        assert check_partition(root, FEED, DAY).status == ("ok" if failing == 1 else "missing")
        assert quiet([source], root).up_to_date == 1
    assert tree(root) == before
    assert not (root / "_staging").exists()


def test_an_interrupted_import_leaves_nothing(source, tmp_path, monkeypatch) -> None:
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ingest.landing.write_manifest", interrupt)
    with pytest.raises(KeyboardInterrupt):
        quiet([source], tmp_path / "b")
    assert tree(tmp_path / "b") == {}


def test_two_imports_at_once_are_refused(source, tmp_path) -> None:
    with Staging(tmp_path / "b"):
        result = quiet([source], tmp_path / "b")
        assert result.exit_code == 1
        assert "another import" in result.errors[0]
        with pytest.raises(InputError, match="another import"), Staging(tmp_path / "b"):
            pass
    assert quiet([source], tmp_path / "b").exit_code == 0


def test_partitions_are_found_and_strangers_ignored(root) -> None:
    (root / "futures/trades/root=ES/date=soon").mkdir()
    (root / "futures/other").mkdir()
    assert list(partitions(root)) == [(FEED, DAY)]
