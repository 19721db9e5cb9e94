"""Which files of a folder are taken, and that a person hears of every other one."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import zipfile
from hashlib import sha256

import numpy as np
import pytest
import zstandard
from dbn_files import (
    definitions,
    encode,
    manifest,
    new_york,
    partition,
    partition_names,
    trades,
    tree,
    write,
)

from ingest.cli import main
from ingest.importer import ImportResult, import_paths

DAY = "2025-12-16"
T0 = new_york("2025-12-16 09:30")
ROWS = trades(T0 + 10**9 * np.arange(40))
DBN = encode("trades", ROWS)
SUPPORT = ("manifest.json", "condition.json", "metadata.json", "symbology.json", "symbology.csv")


def quiet(paths, root, **options) -> ImportResult:
    return import_paths(paths, root, report=lambda _: None, **options)


@pytest.fixture
def folder(tmp_path):
    """A folder with one good file in it."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "glbx-mdp3-20251216.trades.dbn.zst").write_bytes(DBN)
    return tmp_path / "in"


def landed(result: ImportResult, root) -> bool:
    """Whether the good file is there, and nothing was wrong."""
    assert result.errors == []
    assert result.exit_code == 0
    return partition(root, "futures/trades", DAY).num_rows == len(ROWS)


# --- support files ---------------------------------------------------------------------------


def test_the_vendors_support_files_are_known(folder, tmp_path) -> None:
    for name in SUPPORT:
        (folder / name).write_text("[]" if name == "condition.json" else '{"files": []}')
    (folder / "symbology.csv").write_text("raw_symbol,instrument_id,date\nESZ5,5602,2025-12-16\n")
    result = quiet([folder], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert (result.left_out, result.warnings) == ([], [])


@pytest.mark.parametrize("name", ["x.trades.csv.zst", "glbx-mdp3-20251216.trades.json.zst"])
def test_text_in_zstd_claims_no_partition(folder, tmp_path, name) -> None:
    (folder / name).write_bytes(zstandard.compress(b"neither a table nor DBN\n" * 99))
    result = quiet([folder], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert len(result.left_out) == 1
    assert name in result.left_out[0]


def test_the_vendors_word_on_a_date_is_kept_and_passed_on(folder, tmp_path) -> None:
    days = [
        {"date": f"2025-12-{day}", "condition": condition, "last_modified_date": "2025-12-20"}
        for day, condition in ((14, "available"), (15, "available"), (16, "degraded"))
    ]
    (folder / "condition.json").write_text(json.dumps(days))
    result = quiet([folder], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert result.warnings == ["2025-12-16: its data is degraded, the vendor says"]
    assert manifest(tmp_path / "b", "futures/trades", DAY)["dataset_condition"] == days[1:]


@pytest.mark.parametrize(
    "text", ["", "{", '{"date": 1}', '[{"date": "soon"}]', "[1]", "[" * 100_000, "null"]
)
@pytest.mark.parametrize("name", ["condition.json", "manifest.json"])
def test_support_files_that_make_no_sense_are_left_out_of_account(
    folder, tmp_path, name, text
) -> None:
    (folder / name).write_text(text)
    result = quiet([folder], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert result.warnings == [f"{folder / name}: is not understood, and left out of account"]


def test_a_file_that_is_not_what_the_vendor_sent_is_named(folder, tmp_path) -> None:
    name = "glbx-mdp3-20251216.trades.dbn.zst"
    for digest, warnings in ((sha256(DBN).hexdigest(), 0), ("0" * 64, 1)):
        listing = {"files": [{"filename": name, "hash": f"sha256:{digest}", "size": len(DBN)}]}
        (folder / "manifest.json").write_text(json.dumps(listing))
        result = quiet([folder], tmp_path / f"b{warnings}")
        assert landed(result, tmp_path / f"b{warnings}")
        assert len(result.warnings) == warnings
        assert all("manifest.json" in line for line in result.warnings)


# --- folders, links, names -------------------------------------------------------------------


def test_links_are_followed_once(tmp_path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.dbn.zst").write_bytes(DBN)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "in" / "again").symlink_to(tmp_path / "real")
    (tmp_path / "in" / "deep" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "b.dbn.zst").symlink_to(tmp_path / "real" / "a.dbn.zst")
    (tmp_path / "in" / "c.dbn").symlink_to(tmp_path / "nowhere")
    result = quiet([tmp_path / "in"], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert result.left_out == [f"{tmp_path / 'in'}/c.dbn: a link to nothing"]
    assert result.warnings == []


@pytest.mark.parametrize("name", ["A.DBN", "a.Dbn.Zst", "a.bin", "noname"])
def test_data_is_known_by_what_it_is(tmp_path, name) -> None:
    (tmp_path / "in" / "x.dbn").mkdir(parents=True)
    (tmp_path / "in" / "x.dbn" / name).write_bytes(DBN)
    result = quiet([tmp_path / "in"], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert result.left_out == []


def test_what_is_left_out_is_named(folder, tmp_path) -> None:
    (folder / "next.dbn.zst.part").write_bytes(DBN[:99])
    others = ("notes.txt", ".DS_Store", "a.pdf", "b.pdf", "c.pdf")
    for name in others:
        (folder / name).write_text("words")
    os.mkfifo(folder / "pipe.dbn")
    result = quiet([folder], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert {*result.left_out} == {
        *(f"{folder}/{name}: not a kind of file that holds market data" for name in others),
        f"{folder}/next.dbn.zst.part: an unfinished download",
        f"{folder}/pipe.dbn: no regular file",
    }


@pytest.mark.parametrize("name", ["day.dbn.gz", "day.csv.xz", "GLBX-20251216-ABC.tar.gz"])
def test_packed_market_data_is_an_error_and_no_silence(folder, tmp_path, name) -> None:
    (folder / name).write_bytes(gzip.compress(DBN) if name.endswith("gz") else lzma.compress(DBN))
    (folder / "photos.tar.gz").write_bytes(gzip.compress(b"words"))
    result = quiet([folder], tmp_path / "b")
    assert partition_names(tmp_path / "b") == [f"futures/trades {DAY}"]
    assert result.errors == [
        f"{folder}/{name}: is packed, and only zip and zstd are read; unpack it"
    ]
    assert result.left_out == [
        f"{folder}/photos.tar.gz: is packed, and only zip and zstd are read; unpack it"
    ]


def test_links_in_a_circle_are_left_out(folder, tmp_path) -> None:
    (folder / "self").symlink_to("self")
    (folder / "up").symlink_to("..")
    result = quiet([folder], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert result.left_out == [f"{folder}/self: a link to itself"]


def test_names_that_are_no_text_are_spelled_out(tmp_path, capsys) -> None:
    os.makedirs(tmp_path / "in" / "[")
    for name in (b"caf\xe9.dbn", b"[/b]\x1b[31m\n.dbn"):
        with open(os.fsencode(tmp_path / "in") + b"/" + name, "wb") as file:
            file.write(DBN if name.startswith(b"caf") else DBN[:-1])
    assert main(["import", str(tmp_path / "in"), "--bronze-root", str(tmp_path / "b")]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 2  # the damaged file, and the partition it holds back
    assert r"[/b]\x1b[31m\n.dbn: is truncated" in printed.err
    assert r"caf\udce9.dbn: 40 rows" in printed.out
    assert "\x1b" not in printed.out + printed.err


def test_a_symbol_that_is_no_text_is_spelled_out(tmp_path) -> None:
    rows = definitions(T0 + np.arange(2), raw_symbol=[b"ESZ5", b"NQ\n\x1b[31m"])
    write(tmp_path / "in" / "d.dbn", "definition", rows, symbols=("ALL_SYMBOLS",), ids={})
    result = quiet([tmp_path / "in"], tmp_path / "b")
    assert result.exit_code == 0
    assert r"'NQ\n\x1b[31m'" in result.left_out[0]
    assert partition_names(tmp_path / "b") == [f"futures/definition {DAY}"]


def test_a_manifest_nested_without_end_is_a_bad_partition(folder, tmp_path) -> None:
    quiet([folder], tmp_path / "b")
    before = tree(tmp_path / "b")
    path = tmp_path / f"b/futures/trades/root=ES/date={DAY}/_manifest.json"
    path.write_text("[" * 100_000)
    result = quiet([folder], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert "was not valid" in result.warnings[0]
    assert tree(tmp_path / "b") == before


@pytest.mark.parametrize("path", ["\0", "x" * 300, "nowhere.dbn"])
def test_a_path_that_is_none_spoils_nothing(folder, tmp_path, path) -> None:
    result = quiet([path, folder], tmp_path / "b")
    assert len(result.errors) == 1
    assert partition(tmp_path / "b", "futures/trades", DAY).num_rows == len(ROWS)


def test_bronze_in_a_bucket_is_wrong_usage(folder, capsys) -> None:
    assert main(["import", str(folder), "--bronze-root", "s3://bucket/bronze"]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "import into a local folder" in printed.err


# --- zips ------------------------------------------------------------------------------------


def zipped(path, members: dict[str, bytes], **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("within_a_folder", [False, True])
def test_a_zip_is_read_as_it_is(folder, tmp_path, compression, within_a_folder) -> None:
    quiet([folder], tmp_path / "expected")
    members = {
        "GLBX-1/glbx-mdp3-20251216.trades.dbn.zst": DBN,
        "GLBX-1/condition.json": b"[]",
        "GLBX-1/notes.txt": b"words",
    }
    path = zipped(tmp_path / "all.zip", members, compression=compression)
    if within_a_folder:
        (tmp_path / "zips").mkdir()
        path = path.rename(tmp_path / "zips" / "all.zip")
    result = quiet([path.parent if within_a_folder else path], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert len(result.left_out) == 1
    assert "notes.txt" in result.left_out[0]
    assert tree(tmp_path / "b") == tree(tmp_path / "expected")
    assert quiet([path], tmp_path / "b").up_to_date == 1


def test_a_zip_beside_what_it_holds_counts_once(folder, tmp_path) -> None:
    zipped(folder / "all.zip", {"GLBX-1/x.dbn.zst": DBN})
    result = quiet([folder], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert "is the same file as" in result.warnings[0]


def test_definitions_in_a_zip_name_what_is_beside_it(tmp_path) -> None:
    rows = definitions(T0 - np.arange(1, 2), instrument_id=5602)
    definition = encode("definition", rows, symbols=("ES.FUT",))
    unnamed = encode("trades", ROWS, symbols=("ALL_SYMBOLS",), ids={})
    path = zipped(tmp_path / "all.zip", {"a.dbn.zst": unnamed, "b.dbn.zst": definition})
    assert landed(quiet([path], tmp_path / "b"), tmp_path / "b")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-30], "is a damaged zip"),
        (lambda data: data[:90] + b"????" + data[94:], "Bad CRC-32"),
    ],
)
def test_a_damaged_zip_is_one_line_and_holds_back_what_it_names(
    folder, tmp_path, damage, said
) -> None:
    path = zipped(tmp_path / "all.zip", {"a.trades.dbn.zst": DBN})
    path.write_bytes(damage(path.read_bytes()))
    result = quiet([folder, path], tmp_path / "b")
    assert len(result.errors) == 1
    assert said in result.errors[0]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_in_a_zip_are_told(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.dbn", DBN)
        archive.writestr("x.dbn", encode("trades", ROWS[:5]))
        archive.writestr(
            "y.dbn", encode("trades", trades(T0 + 10**9 * np.arange(3) - 86_400 * 10**9))
        )
    result = quiet([tmp_path / "a.zip"], tmp_path / "b")
    assert result.errors == [
        f"{tmp_path}/a.zip/x.dbn: is there 2 times in the zip; unpack them under names of their own"
    ]
    assert partition_names(tmp_path / "b") == ["futures/trades 2025-12-15"]


def test_a_zip_within_a_zip_is_named(folder, tmp_path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.dbn": DBN}).read_bytes()
    path = zipped(tmp_path / "outer.zip", {"inner.zip": inner, "a.dbn.zst": DBN})
    result = quiet([path], tmp_path / "b")
    assert landed(result, tmp_path / "b")
    assert result.left_out == [f"{path}/inner.zip: a zip within a zip; unpack it"]


def test_a_member_cannot_write_outside(tmp_path) -> None:
    path = zipped(tmp_path / "all.zip", {"../../../escaped.dbn.zst": DBN, "/abs.dbn.zst": DBN[:9]})
    result = quiet([path], tmp_path / "in" / "b")
    assert len(result.errors) == 1
    assert not list(tmp_path.rglob("escaped*"))
    assert partition(tmp_path / "in" / "b", "futures/trades", DAY).num_rows == len(ROWS)
