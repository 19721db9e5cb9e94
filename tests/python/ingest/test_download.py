"""`download` with the real client against the loopback vendor: what it buys, lands and says."""

from __future__ import annotations

import pytest
from conftest import PROJECT, run_dbt
from dbn_files import manifest, new_york, partition, partition_names, records, tree, write
from dbn_files import trades as trade_records
from vendor_market import CHAIN, DAY, PARENT, TRADE_DATES, Stock, make_stock
from vendor_server import KEY, Fault, VendorServer
from vendor_shop import Shop

from es_physics.calendar import trade_date_interval
from ingest.cli import main
from ingest.download.ledger import Ledger
from ingest.download.plan import SCHEMAS
from ingest.importer import import_paths

DAY_TEXT = str(DAY)
FEEDS = tuple(SCHEMAS)
WHOLE = sorted(
    [*(f"{feed} {DAY}" for feed in FEEDS), *(f"futures/trades {d}" for d in TRADE_DATES[:-1])]
)
TRADES_ONLY = ("--feeds", "futures/trades", "--no-warmup")


@pytest.fixture(scope="module")
def stock(tmp_path_factory) -> Stock:
    return make_stock(tmp_path_factory.mktemp("vendor_market"))


@pytest.fixture
def shop(stock, tmp_path, monkeypatch, capsys):
    made = Shop(stock, tmp_path, monkeypatch, capsys)
    with made.server:
        yield made


@pytest.mark.market
def test_a_whole_date_downloads_and_builds(shop) -> None:
    finished = shop.download("--batch-from-mb", "2")
    assert (finished.code, finished.err) == (0, "")
    assert sorted(partition_names(shop.bronze)) == WHOLE
    assert main(["verify", "--bronze-root", str(shop.bronze)]) == 0
    assert shop.server.paid_twice() == 0

    bought = [(endpoint, params["schema"]) for endpoint, params in shop.server.paid()]
    assert [schema for name, schema in bought if name == "batch.submit_job"] == ["mbp-10"]
    again = shop.download("--batch-from-mb", "2")
    assert again.code == 0
    assert again.out == (
        f"0 partitions landed (0 rows), {len(WHOLE)} were there, 0 failed; bought for 0.00 USD\n"
    )
    assert len(shop.server.paid()) == len(bought) == 10
    assert f"bought for {shop.server.usd():,.2f} USD" in finished.out

    build = run_dbt("build", bronze=shop.bronze, work=shop.home / "dbt", session_date=DAY_TEXT)
    assert build.returncode == 0, build.output
    assert len(build.table("sessions", DAY_TEXT)) == 1


def test_what_lands_is_what_the_vendor_has(shop, stock) -> None:
    shop.download()
    chain = {n for n, item in stock.instruments.items() if item.symbol in CHAIN}
    start, end = trade_date_interval(DAY)
    trades = stock.records["trades"]
    ours = trades[[row["instrument_id"] in chain for row in trades]]
    landed = partition(shop.bronze, "options/trades", DAY_TEXT)
    assert landed["ts_recv"].to_pylist() == ours["ts_recv"].tolist()
    assert set(landed["symbol"].to_pylist()) <= set(CHAIN)
    assert start <= min(landed["ts_recv"].to_pylist()) <= max(landed["ts_recv"].to_pylist()) < end
    # The definitions are of everything under the parent; what expires later is not bought.
    assert len(partition(shop.bronze, "options/definition", DAY_TEXT)) == len(CHAIN) + 2
    asked = {
        params["schema"]: params["symbols"]
        for endpoint, params in shop.server.paid()
        if params["stype_in"] == "raw_symbol"
    }
    assert {*asked} == {"trades", "mbp-1", "statistics"}
    assert all(sorted(symbols.split(",")) == sorted(CHAIN) for symbols in asked.values())


def test_the_manifest_says_how_it_was_asked_for_and_what_it_cost(shop) -> None:
    shop.server.warnings = ["BentoWarning: some days have reduced quality: 2025-12-16 (degraded)"]
    shop.server.conditions["2025-12-16"] = ("degraded", "2025-12-18")
    finished = shop.download()
    assert finished.code == 0
    assert "warning: futures/mbp10 2025-12-16 is degraded (2025-12-16)" in finished.out
    book = manifest(shop.bronze, "futures/mbp10", DAY_TEXT)
    first, last = new_york(f"{DAY} 09:00"), new_york(f"{DAY} 13:30")
    assert book["coverage"] == [[first, last + 1]]
    assert book["request"] == [
        {
            "dataset": "GLBX.MDP3",
            "schema": "mbp-10",
            "stype_in": "parent",
            "symbols": ["ES.FUT"],
            "start": "2025-12-16T14:00:00.000000000Z",
            "end": "2025-12-16T18:30:00.000000001Z",
        }
    ]
    assert book["dataset_condition"] == [
        {"date": "2025-12-16", "condition": "degraded", "last_modified_date": "2025-12-18"}
    ]
    assert book["warnings"] == ["some days have reduced quality: 2025-12-16 (degraded)"]
    assert book["cost_usd"] == pytest.approx(book["rows"] * 368 * 2e-6)
    whole = manifest(shop.bronze, "futures/trades", DAY_TEXT)
    assert whole["coverage"] == [list(trade_date_interval(DAY))]
    assert [day["date"] for day in whole["dataset_condition"]] == ["2025-12-15", "2025-12-16"]


def test_dry_run_shows_the_price_and_buys_nothing(shop) -> None:
    finished = shop.download("--dry-run")
    assert finished.code == 0
    assert shop.server.paid() == []
    assert partition_names(shop.bronze) == []
    lines = {line.split("│")[2].strip(): line for line in finished.out.splitlines() if "│" in line}
    assert "7,049" in lines["futures/mbp10"]
    assert "5.19" in lines["futures/mbp10"]
    assert "≤400" in lines["options/trades"]  # By its parent, until the definitions are there.
    total = next(line for line in finished.out.splitlines() if "total" in line)
    priced = float(total.split("≤")[1].split("│")[0])
    shop.download()
    assert shop.server.usd() <= priced + 0.005
    assert shop.server.usd() == pytest.approx(priced, abs=0.05)


def test_the_purchase_is_guarded(shop, monkeypatch) -> None:
    finished = shop.download("--max-usd", "5")
    assert finished.code == 2
    assert "USD are due, more than --max-usd 5.00; nothing was bought" in finished.err

    finished = shop.download(yes=False)
    assert finished.code == 2
    assert "there is no terminal to ask on; --yes buys without asking" in finished.err

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    questions = []
    monkeypatch.setattr("builtins.input", lambda text: questions.append(text) or "no")
    finished = shop.download(*TRADES_ONLY, yes=False)
    assert finished.code == 2
    assert questions == ["Buy for 0.22 USD? [y/N] "]
    assert shop.server.paid() == []

    monkeypatch.setattr("builtins.input", lambda text: "y")
    assert shop.download(*TRADES_ONLY, yes=False).code == 0
    assert len(shop.server.paid()) == 1


def test_definitions_alone_make_the_price_exact(shop) -> None:
    assert shop.download("--feeds", "options/definition", "--no-warmup").code == 0
    finished = shop.download("--dry-run")
    assert "≤" not in finished.out
    assert "20 symbols" in finished.out


def test_option_data_are_not_asked_for_without_definitions(shop) -> None:
    finished = shop.download("--feeds", "options/trades")
    assert finished.code == 1
    assert "options/trades 2025-12-16: is not asked for without options/definition" in finished.err
    assert shop.server.paid() == []


@pytest.mark.parametrize("silent", [False, True])
def test_a_dormant_root_does_not_fail_the_others(shop, stock, monkeypatch, silent) -> None:
    monkeypatch.setattr(
        "ingest.download.run.candidate_parents", lambda day, cash: ["E3A.OPT", PARENT, "EW3.OPT"]
    )
    shop.server.silent_dormant = silent
    finished = shop.download("--feeds", "options/definition", "options/trades", "--no-warmup")
    assert (finished.code, finished.err) == (0, "")
    resolved = [params["symbols"] for name, params in shop.server.requests if "resolve" in name]
    assert {*resolved} == {"E3A.OPT", PARENT, "EW3.OPT"}
    definition = manifest(shop.bronze, "options/definition", DAY_TEXT)
    assert definition["request"][0]["symbols"] == [PARENT]


def test_a_date_without_any_listed_option_is_asked_and_there_was_nothing(shop) -> None:
    finished = shop.download("--no-warmup", day="2025-12-15")
    assert finished.code == 0
    assert "options/nbbo 2025-12-15: no option that expires on this date was listed" in finished.out
    for feed in FEEDS:
        landed = manifest(shop.bronze, feed, "2025-12-15")
        assert (landed["rows"] == 0) == feed.startswith("options/")
    assert main(["verify", "--bronze-root", str(shop.bronze)]) == 0
    assert f"{len(FEEDS)} were there" in shop.download("--no-warmup", day="2025-12-15").out


def test_an_empty_holiday_lands_as_zero_rows_and_costs_nothing(shop) -> None:
    """Thanksgiving: the stock has nothing of it, and without a cash session no book is wanted."""
    finished = shop.download("--no-warmup", day="2025-11-27")
    assert (finished.code, finished.err) == (0, "")
    assert partition_names(shop.bronze) == [
        "futures/trades 2025-11-27",
        "futures/definition 2025-11-27",
    ]
    assert manifest(shop.bronze, "futures/trades", "2025-11-27")["rows"] == 0
    assert shop.server.usd() == 0
    again = shop.download("--no-warmup", day="2025-11-27")
    assert "2 were there" in again.out


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("pending", "is pending at the vendor (2025-12-16); run again later"),
        ("missing", "is missing at the vendor (2025-12-16); there is nothing to download"),
    ],
)
def test_a_date_the_vendor_does_not_have_is_not_landed_as_empty(shop, condition, says) -> None:
    shop.server.conditions["2025-12-16"] = (condition, None)
    finished = shop.download(*TRADES_ONLY)
    assert finished.code == 1
    assert f"futures/trades 2025-12-16 {says}" in finished.err
    assert partition_names(shop.bronze) == []
    del shop.server.conditions["2025-12-16"]
    assert shop.download(*TRADES_ONLY).code == 0


def test_a_date_that_is_not_over_is_left_for_later(shop) -> None:
    finished = shop.download(*TRADES_ONLY, day="2099-01-02")
    assert finished.code == 1
    assert "futures/trades 2099-01-02 is not over yet" in finished.err


def test_a_degraded_day_that_was_repaired_is_offered_and_bought_once(shop) -> None:
    shop.server.conditions["2025-12-16"] = ("degraded", "2025-12-18")
    shop.download(*TRADES_ONLY)
    before = tree(shop.bronze)
    assert "--refetch" not in shop.download(*TRADES_ONLY).out

    shop.server.conditions["2025-12-16"] = ("available", "2025-12-23")
    offered = shop.download(*TRADES_ONLY)
    assert offered.code == 0
    assert (
        "futures/trades 2025-12-16 was degraded (2025-12-16) and has been repaired since:"
        " --refetch buys it again" in offered.out
    )
    assert tree(shop.bronze) == before
    assert len(shop.server.paid()) == 1

    dry = shop.download(*TRADES_ONLY, "--refetch", "--dry-run")
    assert "again: repaired by the vendor" in dry.out
    for _ in range(2):
        assert shop.download(*TRADES_ONLY, "--refetch").code == 0
    assert len(shop.server.paid()) == 2
    now = manifest(shop.bronze, "futures/trades", DAY_TEXT)
    assert now["dataset_condition"][1]["condition"] == "available"
    assert "--refetch" not in shop.download(*TRADES_ONLY).out


def test_a_repaired_day_that_was_a_batch_job_is_bought_as_a_new_one(shop) -> None:
    shop.server.conditions["2025-12-16"] = ("degraded", "2025-12-18")
    batch = (*TRADES_ONLY, "--batch-from-mb", "0", "--no-raw")
    assert shop.download(*batch).code == 0
    shop.server.conditions["2025-12-16"] = ("available", "2025-12-23")
    assert shop.download(*batch, "--refetch").code == 0
    assert len(shop.server.jobs) == 2
    assert not [*shop.raw.rglob("*.dbn.zst")]


def test_a_wider_window_is_offered_and_replaces_the_partition(shop) -> None:
    book = ("--feeds", "futures/mbp10", "--no-warmup")
    shop.download(*book, "--window", "futures/mbp10=09:30-09:40")
    narrow = manifest(shop.bronze, "futures/mbp10", DAY_TEXT)["rows"]
    offered = shop.download(*book)
    assert "covers a part of what is asked for only: --refetch buys it again" in offered.out
    assert shop.download(*book, "--refetch").code == 0
    assert manifest(shop.bronze, "futures/mbp10", DAY_TEXT)["rows"] == 7049 > narrow


def test_partitions_from_files_are_not_bought(shop) -> None:
    window = dict(zip(("start", "end"), trade_date_interval(DAY), strict=True))
    rows = trade_records([new_york(f"{DAY} 10:00")])
    import_paths([write(shop.home / "own.dbn", "trades", rows, **window)], shop.bronze)
    assert "1 were there" in shop.download(*TRADES_ONLY).out
    assert shop.server.paid() == []


def test_bbo_can_be_had_instead_of_every_quote(shop, stock, monkeypatch) -> None:
    monkeypatch.setitem(stock.records, "bbo-1s", _as_bbo(stock.records["mbp-1"]))
    shop.download("--nbbo", "bbo-1s", "--no-warmup")
    assert manifest(shop.bronze, "options/nbbo", DAY_TEXT)["sources"][0]["schema"] == "bbo-1s"


def _as_bbo(quotes):
    return records("bbo-1s", quotes["ts_recv"], instrument_id=quotes["instrument_id"])


def test_no_raw_drops_the_files_and_keeps_the_ledger(shop) -> None:
    assert shop.download(*TRADES_ONLY, "--no-raw").code == 0
    assert [path.name for path in shop.raw.rglob("*")] == ["ledger.jsonl"]
    assert len(shop.ledger("done")) == 1


def test_raw_files_land_without_the_vendor_being_paid(shop) -> None:
    """A lost Bronze is made anew from the raw files."""
    shop.download(*TRADES_ONLY)
    before = tree(shop.bronze)
    for path in sorted(shop.bronze.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    finished = shop.download(*TRADES_ONLY, yes=False)  # Nothing is due, so nobody is asked.
    assert finished.code == 0
    assert "on disk" in finished.out
    assert tree(shop.bronze) == before
    assert len(shop.server.paid()) == 1


# --- the key -------------------------------------------------------------------------------------


def test_the_key_appears_nowhere(shop, caplog) -> None:
    caplog.set_level(0)
    shop.server.warnings = [f"BentoWarning: for {KEY}"]
    shop.server.faults = [
        Fault("metadata.get_cost", "status", status=500, case=KEY),
        Fault("timeseries.get_range", "status", status=422, case=KEY),
        Fault("timeseries.get_range", "cut"),
    ]
    finished = shop.download()
    assert finished.code == 1
    assert shop.download().code == 0
    kept = "".join(
        path.read_bytes().decode("latin-1") for path in shop.home.rglob("*") if path.is_file()
    )
    assert "for <key>" in kept
    for text in (finished.out, finished.err, caplog.text, kept):
        assert KEY not in text


def test_the_key_comes_from_the_environment_or_a_dotenv_file(shop, monkeypatch) -> None:
    monkeypatch.chdir(shop.home)
    monkeypatch.delenv("DATABENTO_API_KEY")
    finished = shop.download(*TRADES_ONLY)
    assert finished.code == 2
    assert "there is no API key: set DATABENTO_API_KEY" in finished.err
    (shop.home / ".env").write_text(f"# keys\nOTHER=1\nexport DATABENTO_API_KEY='{KEY}'\n")
    assert shop.download(*TRADES_ONLY).code == 0
    monkeypatch.setenv("DATABENTO_API_KEY", "not the key")
    finished = shop.download(*TRADES_ONLY)
    assert finished.code == 2
    assert "not the key" not in finished.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--end", "2025-12-01"), "--start 2025-12-16 is after --end 2025-12-01; swap them"),
        (("--connections", "0"), "--connections 0 is not from 1 to 50"),
        (("--window", "futures/mbp10=1-2-3"), "is not FEED=HH:MM-HH:MM"),
        (("--window", "futures/mbp10=13:00-09:00"), "does not lie in order"),
        (("--window", "futures/book=all"), "there is no feed futures/book"),
        (("--start", "2025-12-13", "--end", "2025-12-14"), "there is no trade date from"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_done(shop, arguments, says) -> None:
    finished = shop.download(*arguments)
    assert finished.code == 2
    assert says in finished.err
    assert shop.server.requests == []


def test_the_example_of_a_dotenv_file_holds_the_variable_without_a_value() -> None:
    lines = (PROJECT / ".env.example").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["DATABENTO_API_KEY="]


def test_requests_carry_times_with_a_zone_and_stay_within_the_rate_limits(shop) -> None:
    shop.download()
    for endpoint, params in shop.server.requests:
        if "start" in params and not endpoint.startswith("batch.list"):
            assert params["start"].endswith("Z"), endpoint
            assert params["end"].endswith("Z"), endpoint
    metadata = [name for name, _ in shop.server.requests if name.startswith("metadata.")]
    assert shop.time.now >= (len(metadata) - 20) / 20


def test_many_symbols_are_asked_for_in_several_requests(shop, monkeypatch) -> None:
    monkeypatch.setattr("ingest.download.plan.SYMBOLS_PER_REQUEST", 7)
    assert shop.download("--no-warmup").code == 0
    chunks = [
        params["symbols"].split(",")
        for _, params in shop.server.paid()
        if (params["schema"], params["stype_in"]) == ("trades", "raw_symbol")
    ]
    assert sorted(len(chunk) for chunk in chunks) == [6, 7, 7]
    landed = manifest(shop.bronze, "options/trades", DAY_TEXT)
    assert (landed["rows"], len(landed["request"])) == (358, 3)
    assert landed["coverage"] == [list(trade_date_interval(DAY))]


def test_two_downloads_do_not_work_in_one_folder(shop) -> None:
    with Ledger(shop.raw):
        finished = shop.download(*TRADES_ONLY)
    assert finished.code == 2
    assert "another download works in" in finished.err


def test_server_counts_what_is_paid_twice(stock) -> None:
    """The measuring instrument itself."""
    server = VendorServer(stock)
    server.bill("trades", [1, 2])
    server.bill("trades", [2, 3])
    assert server.paid_twice() == 1
    server.server_close()
