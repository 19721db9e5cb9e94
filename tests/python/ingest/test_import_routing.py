"""What a file holds decides where its records go; what no model uses is left out with a line."""

from __future__ import annotations

from datetime import date

import databento_dbn as dbn
import numpy as np
import pytest
from dbn_files import (
    Interval,
    Mapping,
    definitions,
    manifest,
    new_york,
    partition,
    partition_names,
    records,
    trades,
    write,
)

from ingest.importer import ImportResult, import_paths
from ingest.symbology import Kind, kind_of, kind_of_request

DAY = "2025-12-16"
T0 = new_york("2025-12-16 09:30")
TIMES = T0 + 10**9 * np.arange(12)
FUTURE, OPTION, OTHER, OTHER_OPTION = 5602, 7001, 6001, 6002
IDS = {FUTURE: "ESZ5", OPTION: "E3AZ5 C6800", OTHER: "NQZ5", OTHER_OPTION: "Q3DZ5 C25000"}
BOTH = ("ES.FUT", "E3A.OPT")
ALL = ("ES.FUT", "E3A.OPT", "NQ.FUT", "Q3D.OPT")


def quiet(paths, root, **options) -> ImportResult:
    return import_paths(paths, root, report=lambda _: None, **options)


def of(schema: str, instruments, **columns):
    """Records of these instruments in turn, every third a trade."""
    usual = {"action": np.resize([b"T", b"A", b"C"], len(TIMES)), "side": b"B", "depth": 2}
    if schema in ("trades", "tbbo"):
        usual["action"] = b"T"
    names = records(schema, TIMES).dtype.names
    usual = {name: values for name, values in usual.items() if name in names}
    ids = np.resize(instruments, len(TIMES))
    return records(schema, TIMES, instrument_id=ids, **(usual | columns))


# --- symbols ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("ESZ5", Kind.FUTURES),
        ("ESH26", Kind.FUTURES),
        ("ESZ5-ESH6", Kind.FUTURES),
        ("ES:BF Z5-H6-M6", Kind.FUTURES),
        ("E3AZ5 C6800", Kind.OPTIONS),
        ("EW3Z5 P6800", Kind.OPTIONS),
        ("EWF6 C6800", Kind.OPTIONS),
        ("EYCZ5 P6800", Kind.OPTIONS),
        ("ESZ5 C6800", Kind.OPTIONS),
        ("UD:1V: VT 2558973", Kind.USER_DEFINED),
        ("NQZ5", Kind.OTHER),
        ("MESZ5", Kind.OTHER),
        ("ESTX5", Kind.OTHER),
        ("ESZ5-NQZ5", Kind.OTHER),
        ("Q3DZ5 C25000", Kind.OTHER),
        ("OGF6 P4000", Kind.OTHER),
        ("EX3AZ5 C6800", Kind.OTHER),
        ("SPY   251216C00680000", Kind.OTHER),
        ("ESZ5\n", Kind.OTHER),
        ("", Kind.UNNAMED),
        ("5602", Kind.UNNAMED),
        ("ES.v.0", Kind.UNNAMED),
    ],
)
def test_kinds_of_symbols(symbol, kind) -> None:
    assert kind_of(symbol) is kind


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("ES.FUT", Kind.FUTURES),
        ("ES.c.0", Kind.FUTURES),
        ("EW3.OPT", Kind.OPTIONS),
        ("NQ.FUT", Kind.OTHER),
        ("NQ.v.0", Kind.OTHER),
        ("OG.OPT", Kind.OTHER),
        ("ALL_SYMBOLS", Kind.UNNAMED),
        ("5602", Kind.UNNAMED),
        ("ESZ5", Kind.FUTURES),
    ],
)
def test_kinds_of_requests(symbol, kind) -> None:
    assert kind_of_request(symbol) is kind


# --- what is left out ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "about", "said"),
    [
        ("ohlcv-1s", {}, "schema ohlcv-1s, which the models do not use"),
        ("trades", {"dataset": "OPRA.PILLAR"}, "OPRA.PILLAR, and the models use GLBX.MDP3 only"),
        ("trades", {"ids": {FUTURE: "NQZ5"}, "symbols": ("NQ.FUT",)}, "'NQ.FUT', not ES"),
        ("trades", {"ids": {FUTURE: "OGF6 P4000"}, "symbols": ("OGF6 P4000",)}, "not ES"),
        ("trades", {"ids": {}, "symbols": ("Q3D.OPT",)}, "'Q3D.OPT', not ES"),
        (
            "mbp-10",
            {"ids": {FUTURE: "E3AZ5 C6800"}, "symbols": ("E3A.OPT",)},
            "mbp-10 of options, which no model uses",
        ),
        ("statistics", {}, "statistics of futures, which no model uses"),
        ("bbo-1s", {}, "bbo-1s of futures, which no model uses"),
    ],
)
def test_a_file_that_no_model_uses_is_left_out(tmp_path, schema, about, said) -> None:
    bad = write(tmp_path / "bad.dbn", schema, records(schema, TIMES, instrument_id=FUTURE), **about)
    good = write(tmp_path / "good.dbn", "trades", trades(TIMES))
    result = quiet([bad, good], tmp_path / "b")
    assert (result.exit_code, result.errors, result.warnings) == (0, [], [])
    assert len(result.left_out) == 1
    assert result.left_out[0].startswith(f"{bad}: ")
    assert said in result.left_out[0]
    assert partition_names(tmp_path / "b") == [f"futures/trades {DAY}"]


@pytest.mark.parametrize("symbols", [ALL, ("ALL_SYMBOLS",), ()])
def test_the_records_of_other_products_are_counted_and_left_out(tmp_path, symbols) -> None:
    rows = of("trades", [FUTURE, OTHER, OPTION, OTHER_OPTION])
    path = write(tmp_path / "in.dbn", "trades", rows, ids=IDS, symbols=symbols)
    result = quiet([path], tmp_path / "b")
    assert (result.exit_code, result.rows, result.warnings) == (0, 6, [])
    assert result.left_out == [f"{path}: 6 records that are not ES ('NQZ5', 'Q3DZ5 C25000')"]
    for feed, symbol in (("futures/trades", "ESZ5"), ("options/trades", "E3AZ5 C6800")):
        assert partition(tmp_path / "b", feed, DAY)["symbol"].unique().to_pylist() == [symbol]


def test_a_file_of_whose_records_none_is_ours(tmp_path) -> None:
    rows = of("trades", [OTHER])
    ids = {OTHER: "NQZ5", OTHER_OPTION: "UD:1V: VT 2558973"}
    path = write(tmp_path / "in.dbn", "trades", rows, ids=ids, symbols=("ALL_SYMBOLS",))
    result = quiet([path], tmp_path / "b")
    assert result.exit_code == 0
    assert result.left_out == [f"{path}: 12 records that are not ES ('NQZ5')"]
    assert partition_names(tmp_path / "b") == []


def test_futures_and_options_of_one_quotes_file_part(tmp_path) -> None:
    rows = of("mbp-1", [FUTURE, OPTION], action=[b"T", b"T", b"A", b"A"] * 3)
    path = write(tmp_path / "in.dbn", "mbp-1", rows, ids=IDS, symbols=BOTH)
    result = quiet([path], tmp_path / "b")
    assert result.left_out == [
        f"{path}: 3 records of futures that are no trades: no model uses mbp-1 ('ESZ5')"
    ]
    rows_of = {
        name: partition(tmp_path / "b", name.split()[0], DAY).num_rows
        for name in partition_names(tmp_path / "b")
    }
    assert rows_of == {
        f"futures/trades {DAY}": 3,
        f"options/trades {DAY}": 3,
        f"options/nbbo {DAY}": 6,
    }


def test_statistics_of_futures_beside_those_of_options(tmp_path) -> None:
    rows = records("statistics", TIMES, instrument_id=np.resize([FUTURE, OPTION], 12))
    path = write(tmp_path / "in.dbn", "statistics", rows, ids=IDS, symbols=BOTH)
    result = quiet([path], tmp_path / "b")
    assert result.left_out == [f"{path}: 6 records of futures: no model uses statistics ('ESZ5')"]
    assert partition_names(tmp_path / "b") == [f"options/statistics {DAY}"]


@pytest.mark.parametrize(
    ("symbol", "fields", "kind"),
    [
        (b"E3AZ5 C6800", {"instrument_class": b"C", "underlying": b"ESZ5"}, "options"),
        (b"E3AZ5 C6800", {"instrument_class": b"C", "underlying": b"NQZ5"}, None),
        (b"E3AZ5 C6800", {"instrument_class": b"F"}, None),
        (b"ESZ5", {"instrument_class": b"C"}, None),
        (b"Q3DZ5 C25000", {"instrument_class": b"C", "underlying": b"NQZ5"}, None),
        (b"UD:1V: VT 1", {"instrument_class": b"T", "asset": b"ES"}, "options"),
        (b"UD:1V: VT 1", {"instrument_class": b"T", "asset": b"E3A", "group": b""}, "options"),
        (b"UD:1V: VT 1", {"instrument_class": b"T", "asset": b"NQ", "group": b"NQ"}, None),
        (
            b"UD:1V: VT 1",
            {"instrument_class": b"T", "asset": b"", "group": b"", "underlying": b"ESH6"},
            "options",
        ),
        (b"ESZ5", {"asset": b"??"}, "futures"),
        (b"NQZ5", {}, None),
    ],
)
def test_definitions_tell_the_product(tmp_path, symbol, fields, kind) -> None:
    rows = definitions(TIMES[:1], raw_symbol=symbol, **fields)
    path = write(tmp_path / "in.dbn", "definition", rows, symbols=("ALL_SYMBOLS",), ids={})
    result = quiet([path], tmp_path / "b")
    assert result.exit_code == 0
    assert partition_names(tmp_path / "b") == ([f"{kind}/definition {DAY}"] if kind else [])
    assert len(result.left_out) == (kind is None)


# --- what traders made up, and names by definition -------------------------------------------

MADE_UP = 7003
CHAIN = {**IDS, MADE_UP: "UD:1V: VT 2558973"}


def definition_file(folder, ids=CHAIN, at=T0 - 3600 * 10**9):
    """Definitions of these instruments, an hour before the records."""
    symbols = [symbol.encode() for symbol in ids.values()]
    rows = definitions(
        at + np.arange(len(ids)),
        instrument_id=list(ids),
        raw_symbol=symbols,
        instrument_class=[b"F" if kind_of(s) is Kind.FUTURES else b"C" for s in ids.values()],
        underlying=b"ESZ5",
    )
    return write(folder / "definitions.dbn", "definition", rows, symbols=("ALL_SYMBOLS",), ids={})


@pytest.mark.parametrize(
    ("symbols", "with_definitions", "landed"),
    [(("E3A.OPT",), False, 12), (ALL, False, 6), (ALL, True, 12)],
)
def test_made_up_instruments_are_of_what_was_asked_for(
    tmp_path, symbols, with_definitions, landed
) -> None:
    rows = of("trades", [OPTION, MADE_UP])
    paths = [write(tmp_path / "in.dbn", "trades", rows, ids=CHAIN, symbols=symbols)]
    if with_definitions:
        paths.append(definition_file(tmp_path, {MADE_UP: CHAIN[MADE_UP]}))
    result = quiet(paths, tmp_path / "b")
    assert result.exit_code == 0
    assert partition(tmp_path / "b", "options/trades", DAY).num_rows == landed
    assert len(result.left_out) == (landed == 6)


def by_rule(*names: str):
    """How the vendor describes a request for continuous contracts."""
    days = date(2025, 12, 1), date(2025, 12, 30)
    ids = [FUTURE, 5603]
    mappings = [
        Mapping(name, [Interval(*days, str(number))])
        for name, number in zip(names, ids, strict=False)
    ]
    return {"symbols": names, "stype_in": dbn.SType.CONTINUOUS, "mappings": mappings}


BY_ID = {
    "symbols": ("5602", "5603"),
    "stype_in": dbn.SType.INSTRUMENT_ID,
    "mappings": [
        Mapping(number, [Interval(date(2025, 12, 1), date(2025, 12, 30), number)])
        for number in ("5602", "5603")
    ],
}
EVERYTHING = {"symbols": ("ALL_SYMBOLS",), "ids": {}}
TWO = {FUTURE: "ESZ5", 5603: "ESH6"}


@pytest.mark.parametrize("about", [by_rule("ES.v.0", "ES.c.1"), BY_ID, EVERYTHING])
@pytest.mark.parametrize("landed_before", [False, True])
def test_raw_symbols_come_from_the_dates_definitions(tmp_path, about, landed_before) -> None:
    rows = of("trades", [FUTURE, 5603])
    paths = [
        write(tmp_path / "a.dbn", "trades", rows, **about),
        definition_file(tmp_path, TWO),
    ]
    if landed_before:
        assert quiet(paths[1:], tmp_path / "b").exit_code == 0
        paths = paths[:1]
    result = quiet(paths, tmp_path / "b")
    assert (result.exit_code, result.errors, result.left_out) == (0, [], [])
    symbols = partition(tmp_path / "b", "futures/trades", DAY)["symbol"].to_pylist()
    assert symbols == ["ESZ5", "ESH6"] * 6
    mapped = manifest(tmp_path / "b", "futures/trades", DAY)["symbol_mappings"]
    assert mapped == {"ESH6": [5603], "ESZ5": [5602]}


@pytest.mark.parametrize("about", [by_rule("ES.v.0", "ES.c.1"), BY_ID, EVERYTHING])
def test_without_definitions_one_line_says_which_to_get(tmp_path, about) -> None:
    path = write(tmp_path / "a.dbn", "trades", of("trades", [FUTURE, 5603]), **about)
    result = quiet([path], tmp_path / "b")
    assert result.exit_code == 1
    assert len(result.errors) == 1
    assert "unmapped symbol: instrument 5602 on 2025-12-16" in result.errors[0]
    assert "get schema definition of ES.FUT" in result.errors[0]
    assert partition_names(tmp_path / "b") == []


def test_of_everything_what_no_definition_knows_is_left_out(tmp_path) -> None:
    rows = of("trades", [FUTURE, 99])
    paths = [
        write(tmp_path / "a.dbn", "trades", rows, **EVERYTHING),
        definition_file(tmp_path, TWO),
    ]
    result = quiet(paths, tmp_path / "b")
    assert result.exit_code == 0
    assert result.left_out == [
        f"{paths[0]}: 6 records of instruments that no definition at hand knows as ES"
        " ('instrument 99')"
    ]
    assert partition(tmp_path / "b", "futures/trades", DAY).num_rows == 6


def test_an_id_that_changes_hands_follows_the_definition_in_force(tmp_path) -> None:
    at = TIMES[5]
    rows = definitions(
        [T0 - 5, at], instrument_id=FUTURE, raw_symbol=[b"ESZ5", b"ESH6"], instrument_class=b"F"
    )
    paths = [
        write(tmp_path / "a.dbn", "trades", of("trades", [FUTURE]), **by_rule("ES.v.0")),
        write(tmp_path / "d.dbn", "definition", rows),
    ]
    quiet(paths, tmp_path / "b")
    symbols = partition(tmp_path / "b", "futures/trades", DAY)["symbol"].to_pylist()
    assert symbols == ["ESZ5"] * 5 + ["ESH6"] * 7


@pytest.mark.parametrize(("days_before", "is_known"), [(1, True), (7, True), (8, False)])
def test_a_definition_may_be_a_week_old(tmp_path, days_before, is_known) -> None:
    at = T0 - days_before * 86_400 * 10**9
    paths = [
        write(tmp_path / "a.dbn", "trades", of("trades", [FUTURE]), **by_rule("ES.v.0")),
        definition_file(tmp_path, TWO, at),
    ]
    assert (quiet(paths, tmp_path / "b").exit_code == 0) is is_known


# --- schemas that hold the same facts --------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "feed", "instrument", "symbols"),
    [
        ("tbbo", "futures/trades", FUTURE, ("ES.FUT",)),
        ("mbp-1", "futures/trades", FUTURE, ("ES.FUT",)),
        ("mbp-10", "futures/trades", FUTURE, ("ES.FUT",)),
        ("tbbo", "options/trades", OPTION, ("E3A.OPT",)),
        ("mbp-1", "options/trades", OPTION, ("E3A.OPT",)),
    ],
)
def test_trades_are_the_same_from_every_schema_that_has_them(
    tmp_path, schema, feed, instrument, symbols
) -> None:
    rows = of(schema, [instrument], price=5 + np.arange(12), size=1 + np.arange(12), sequence=7)
    prints = trades(TIMES)[rows["action"] == b"T"]
    for name in prints.dtype.names:
        if name not in ("length", "rtype", "depth"):
            prints[name] = rows[name][rows["action"] == b"T"]
    about = {"ids": IDS, "symbols": symbols}
    quiet([write(tmp_path / "t.dbn", "trades", prints, **about)], tmp_path / "expected")
    other = write(tmp_path / "other.dbn", schema, rows, **about)
    result = quiet([other], tmp_path / "b", feeds=[feed])
    assert result.errors == []
    assert partition(tmp_path / "b", feed, DAY) == partition(tmp_path / "expected", feed, DAY)
    assert manifest(tmp_path / "b", feed, DAY)["made_from"] == schema

    both = quiet([other, tmp_path / "t.dbn"], tmp_path / "both", feeds=[feed])
    assert manifest(tmp_path / "both", feed, DAY)["made_from"] == "trades"
    assert both.left_out[-1] == f"{feed} {DAY}: records of {schema}, as trades is there"


def test_the_denser_quotes_fill_a_date_and_are_never_merged(tmp_path) -> None:
    about = {"ids": IDS, "symbols": ("E3A.OPT",)}
    sampled = write(tmp_path / "bbo.dbn", "bbo-1s", of("bbo-1s", [OPTION]), **about)
    full = write(tmp_path / "mbp.dbn", "mbp-1", of("mbp-1", [OPTION])[:5], **about)
    left_out = [f"options/nbbo {DAY}: records of bbo-1s, as mbp-1 is there"]

    for order in ([sampled, full], [full, sampled]):
        root = tmp_path / order[0].stem
        results = [quiet([path], root) for path in order]
        assert [result.exit_code for result in results] == [0, 0]
        assert manifest(root, "options/nbbo", DAY)["made_from"] == "mbp-1"
        assert partition(root, "options/nbbo", DAY).num_rows == 5
        if order[0] is full:
            assert results[1].left_out == left_out
        else:
            assert results[1].warnings == [
                f"options/nbbo {DAY}: no longer holds the 12 rows of bbo.dbn"
            ]
    assert quiet([sampled, full], tmp_path / "b").left_out == left_out


def test_a_date_without_trades_in_the_book_stays_never_asked(tmp_path) -> None:
    path = write(tmp_path / "in.dbn", "mbp-10", of("mbp-10", [FUTURE], action=b"A"))
    quiet([path], tmp_path / "b")
    assert partition_names(tmp_path / "b") == [f"futures/mbp10 {DAY}"]


def test_only_the_feeds_that_are_wanted_land(tmp_path) -> None:
    path = write(tmp_path / "in.dbn", "mbp-10", of("mbp-10", [FUTURE]))
    quiet([path], tmp_path / "b", feeds=["futures/mbp10"])
    assert partition_names(tmp_path / "b") == [f"futures/mbp10 {DAY}"]
