"""Books built from single orders, beside a slow book that is literally its definition."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import databento_dbn as dbn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.order_book import OrderBooks

MBO = np.dtype(dbn.MBOMsg._dtypes)
UNDEF_PRICE, UNDEF_SIZE = 2**63 - 1, 2**32 - 1
F_LAST, F_SNAPSHOT, BAD = 128, 32, 4
LEVELS = 10

Message = tuple[str, str, int, int, int]
"""Action, side, order id, price, size."""
Side = list[tuple[int, int, int]]
"""Price, size and number of orders of up to ten levels, best first."""

CLEAR: Message = ("R", "N", 0, UNDEF_PRICE, 0)


def messages(rows: list[Message], instrument: int | list[int] = 1, flags: int = 0) -> np.ndarray:
    """MBO records; the fields that a row takes over tell them apart."""
    made = np.zeros(len(rows), MBO)
    for record, (action, side, order_id, price, size) in zip(made, rows, strict=True):
        record["action"], record["side"], record["order_id"] = action, side, order_id
        record["price"], record["size"] = price, size
    count = np.arange(len(made))
    made["length"], made["rtype"], made["publisher_id"] = MBO.itemsize // 4, 160, 1
    made["instrument_id"], made["flags"] = instrument, flags
    made["ts_recv"], made["ts_event"] = 10_000 + 7 * count, 10_000 + 5 * count
    made["sequence"], made["ts_in_delta"] = 50 + count, 900 + count
    return made


@dataclass
class LiteralBook:
    """One instrument's orders by id; everything else is counted anew whenever it is asked for."""

    orders: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    begun: bool = False
    bad: bool = False
    shown: tuple[Side, Side] | None = None

    def side(self, name: str) -> Side:
        sizes: dict[int, list[int]] = defaultdict(list)
        for side, price, size in self.orders.values():
            if side == name:
                sizes[price].append(size)
        return [(at, sum(sizes[at]), len(sizes[at])) for at in sorted(sizes, reverse=name == "B")]

    def ladder(self) -> tuple[Side, Side]:
        return self.side("B")[:LEVELS], self.side("A")[:LEVELS]

    def level(self, side: str, price: int) -> int:
        """How many levels of the side are better than the price."""
        better = [at for at, _, _ in self.side(side) if (at > price if side == "B" else at < price)]
        return len(better)


@dataclass
class LiteralBooks:
    """The definition of what MBO records give, record by record."""

    books: dict[int, LiteralBook] = field(default_factory=lambda: defaultdict(LiteralBook))
    faults: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def rows(self, records: np.ndarray) -> list[tuple[int, int, int, tuple[Side, Side]]]:
        """Index, depth, flags and ladder of each row."""
        found = []
        for index, record in enumerate(records):
            book = self.books[int(record["instrument_id"])]
            action = record["action"].decode()
            if action == "N":
                continue
            if not book.begun and action != "R" and not record["flags"] & F_SNAPSHOT:
                self.fault(book, "starts_without_snapshot")
            book.begun = True
            if action == "F":
                continue
            depth = 0
            if action == "R":
                book.orders.clear()
                book.bad = False
            elif action != "T":
                depth = self.move(book, action, record)
            ladder = book.ladder()
            if action == "T" or ladder != book.shown:
                flags = int(record["flags"]) | (BAD if book.bad else 0)
                found.append((index, depth if depth < LEVELS else 0, flags, ladder))
                book.shown = ladder
        return found

    def fault(self, book: LiteralBook, name: str) -> None:
        self.faults[name] += 1
        book.bad = True

    def move(self, book: LiteralBook, action: str, record: np.ndarray) -> int:
        """Apply an A, C or M; the level it touched, among the ten if it is one of two."""
        order_id, side = int(record["order_id"]), record["side"].decode()
        price, size = int(record["price"]), int(record["size"])
        known = book.orders.get(order_id)
        if (known is not None) == (action == "A"):
            self.fault(book, "repeated_orders" if known else "unknown_orders")
        if action == "C":
            if not known:
                return 0
            level = book.level(known[0], known[1])
            if size > known[2]:
                self.fault(book, "negative_rests")
            if size >= known[2]:
                del book.orders[order_id]
            else:
                book.orders[order_id] = (known[0], known[1], known[2] - size)
            return level
        if action == "M" and known:
            side = known[0]
        if price == UNDEF_PRICE or size == UNDEF_SIZE or side not in "AB":
            self.fault(book, "undefined_orders")
            return 0
        left = book.level(known[0], known[1]) if known else LEVELS
        book.orders.pop(order_id, None)
        if size:
            book.orders[order_id] = (side, price, size)
            level = book.level(side, price)
            return level if level < LEVELS else left
        return left


def side_of(row: np.void, name: str) -> Side:
    """A row's side as the literal book has it; what is beyond its levels must be empty."""
    levels = [
        tuple(int(level[f"{name}_{what}"]) for what in ("px", "sz", "ct"))
        for level in row["levels"]
    ]
    there = [level for level in levels if level != (UNDEF_PRICE, 0, 0)]
    assert levels[: len(there)] == there
    return there


def read(rows: np.ndarray, which: np.ndarray) -> list[tuple[int, int, int, tuple[Side, Side]]]:
    return [
        (
            int(index),
            int(row["depth"]),
            int(row["flags"]),
            (side_of(row, "bid"), side_of(row, "ask")),
        )
        for row, index in zip(rows, which, strict=True)
    ]


def built(
    records: np.ndarray, pieces: int | None = None
) -> tuple[list[tuple[int, int, int, tuple[Side, Side]]], dict[str, int]]:
    """The rows of the compiled books, with the records cut into pieces of that many."""
    books, found = OrderBooks(), []
    step = pieces or max(len(records), 1)
    for start in range(0, len(records), step):
        rows, which = books.rows(records[start : start + step])
        found += read(rows, which + start)
    return found, {name: count for name, count in books.faults.items() if count}


def ladders(*sequence: Message) -> list[tuple[Side, Side]]:
    """The ladder of each row of one instrument that begins with a clear, without the clear's."""
    rows, faults = built(messages([CLEAR, *sequence]))
    assert not faults
    return [ladder for _, _, _, ladder in rows[1:]]


def test_orders_add_up_to_levels_of_price_size_and_count() -> None:
    shown = ladders(
        ("A", "B", 1, 100, 5),
        ("A", "B", 2, 99, 3),
        ("A", "B", 3, 100, 4),
        ("A", "A", 4, 101, 7),
    )
    assert shown == [
        ([(100, 5, 1)], []),
        ([(100, 5, 1), (99, 3, 1)], []),
        ([(100, 9, 2), (99, 3, 1)], []),
        ([(100, 9, 2), (99, 3, 1)], [(101, 7, 1)]),
    ]


def test_a_row_carries_its_record() -> None:
    records = messages([CLEAR, ("A", "B", 1, 100, 5), ("N", "N", 0, 0, 0), ("C", "B", 1, 100, 2)])
    rows, which = OrderBooks().rows(records)
    assert which.tolist() == [0, 1, 3]
    assert set(rows["rtype"]) == {10}
    assert {4 * int(length) for length in rows["length"]} == {rows.dtype.itemsize}
    for name in (
        *("publisher_id", "instrument_id", "ts_event", "ts_recv", "ts_in_delta", "sequence"),
        *("action", "side", "price", "size", "flags"),
    ):
        assert rows[name].tolist() == records[name][which].tolist(), name


def test_a_trade_and_its_fills_change_nothing_and_the_cancels_after_them_do() -> None:
    shown = ladders(
        ("A", "A", 1, 101, 2),
        ("A", "A", 2, 101, 5),
        ("T", "B", 0, 101, 4),
        ("F", "A", 1, 101, 2),
        ("F", "A", 2, 101, 2),
        ("C", "A", 1, 101, 2),
        ("C", "A", 2, 101, 2),
    )
    assert [asks for _, asks in shown] == [
        [(101, 2, 1)],
        [(101, 7, 2)],
        [(101, 7, 2)],  # The trade shows the book before it; the fills show nothing.
        [(101, 5, 1)],
        [(101, 3, 1)],
    ]


def test_a_partly_filled_order_rests_with_what_is_left_of_it() -> None:
    shown = ladders(
        ("A", "B", 1, 100, 5),
        ("C", "B", 1, 100, 2),
        ("C", "B", 1, 100, 2),
        ("C", "B", 1, 100, 1),
    )
    assert [bids for bids, _ in shown] == [[(100, 5, 1)], [(100, 3, 1)], [(100, 1, 1)], []]


def test_a_modify_moves_an_order_that_then_stands_behind_but_counts_the_same() -> None:
    shown = ladders(
        ("A", "B", 1, 100, 5),
        ("A", "B", 2, 100, 3),
        ("M", "B", 1, 100, 8),  # Larger: loses its place, which a book by price does not show.
        ("M", "B", 1, 100, 1),
        ("M", "B", 1, 99, 1),
        ("M", "B", 1, 101, 4),
        ("C", "B", 1, 101, 4),
    )
    assert [bids for bids, _ in shown] == [
        [(100, 5, 1)],
        [(100, 8, 2)],
        [(100, 11, 2)],
        [(100, 4, 2)],
        [(100, 3, 1), (99, 1, 1)],
        [(101, 4, 1), (100, 3, 1)],
        [(100, 3, 1)],
    ]


def test_a_record_that_leaves_the_ten_levels_as_they_are_gives_no_row() -> None:
    asks: list[Message] = [("A", "A", n, 100 + n, 1) for n in range(12)]
    sequence: list[Message] = [
        CLEAR,
        *asks,
        ("M", "A", 3, 103, 1),  # As it was.
        ("M", "A", 11, 111, 9),  # Below the tenth level.
        ("C", "A", 11, 111, 4),
        ("M", "A", 11, 112, 4),
        ("C", "A", 5, 105, 0),
        ("N", "N", 0, 0, 0),
        ("C", "A", 2, 102, 1),  # Brings the eleventh into view.
        ("M", "A", 3, 120, 1),  # Leaves the view, brings in the next.
        ("M", "A", 3, 99, 1),
    ]
    rows, faults = built(messages(sequence))
    assert not faults
    seen = [(index, depth) for index, depth, _, _ in rows]
    assert seen == [(0, 0), *((1 + n, n) for n in range(10)), (19, 2), (20, 2), (21, 0)]
    assert rows[-3][3][1][-1] == (110, 1, 1)
    assert rows[-2][3][1][-1] == (112, 4, 1)


def test_a_book_may_be_crossed_before_the_open() -> None:
    shown = ladders(
        ("A", "B", 1, 102, 5),
        ("A", "A", 2, 100, 5),
        ("A", "B", 3, 100, 1),
        ("T", "N", 0, 101, 5),
        ("C", "B", 1, 102, 5),
        ("C", "A", 2, 100, 5),
    )
    assert shown[2] == ([(102, 5, 1), (100, 1, 1)], [(100, 5, 1)])
    assert shown[3] == shown[2]
    assert shown[-1] == ([(100, 1, 1)], [])


def test_a_clear_empties_one_instruments_book_and_its_ids_may_come_again() -> None:
    rows, faults = built(
        messages(
            [
                *(CLEAR, CLEAR, ("A", "B", 1, 100, 5), ("A", "B", 1, 50, 6)),
                *(CLEAR, ("A", "A", 1, 101, 2), ("C", "B", 1, 50, 1), ("C", "A", 1, 101, 2)),
            ],
            [1, 2, 1, 2, 1, 1, 2, 1],
        )
    )
    assert not faults
    assert [ladder for _, _, _, ladder in rows] == [
        ([], []),
        ([], []),
        ([(100, 5, 1)], []),
        ([(50, 6, 1)], []),
        ([], []),
        ([], [(101, 2, 1)]),
        ([(50, 5, 1)], []),
        ([], []),
    ]
    assert {flags for _, _, flags, _ in rows} == {0}


@pytest.mark.parametrize(
    ("fault", "sequence"),
    [
        ("unknown_orders", [("C", "B", 9, 100, 1)]),
        ("unknown_orders", [("M", "B", 9, 90, 1)]),
        ("negative_rests", [("C", "B", 1, 100, 6)]),
        ("repeated_orders", [("A", "B", 1, 100, 5)]),
        ("repeated_orders", [("A", "A", 1, 103, 5)]),
        ("undefined_orders", [("A", "B", 9, UNDEF_PRICE, 5)]),
        ("undefined_orders", [("A", "B", 9, 100, UNDEF_SIZE)]),
        ("undefined_orders", [("A", "N", 9, 100, 5)]),
        ("undefined_orders", [("M", "B", 1, UNDEF_PRICE, 5)]),
    ],
)
def test_a_fault_is_counted_and_marks_the_book_until_the_next_clear(
    fault: str, sequence: list[Message]
) -> None:
    after: list[Message] = [("A", "A", 5, 105, 1), ("T", "B", 0, 105, 1), CLEAR]
    rows, faults = built(
        messages(
            [CLEAR, CLEAR, ("A", "B", 1, 100, 5), *sequence, *after, ("A", "A", 5, 105, 1)],
            [1, 2, *[1] * (len(sequence) + len(after) + 2)],
        )
    )
    assert faults == {fault: 1}
    flags = {index: flags for index, _, flags, _ in rows}
    first = 3 + len(sequence)
    assert [flags[0], flags[1], flags[2]] == [0, 0, 0]
    assert [flags[first], flags[first + 1]] == [BAD, BAD]
    assert [flags[first + 2], flags[first + 3]] == [0, 0]


def test_a_modify_of_an_unknown_order_adds_it_and_a_cancel_of_one_changes_nothing() -> None:
    rows, _ = built(messages([CLEAR, ("C", "B", 8, 99, 1), ("M", "B", 9, 100, 3)]))
    assert [(index, ladder) for index, _, _, ladder in rows[1:]] == [(2, ([(100, 3, 1)], []))]


def test_a_start_within_a_session_is_counted_once_for_each_instrument() -> None:
    sequence: list[Message] = [
        *[("A", "B", 1, 100, 5)] * 2,
        *(("T", "B", 0, 100, 5), ("N", "N", 0, 0, 0), CLEAR, ("A", "B", 1, 100, 5), CLEAR),
    ]
    rows, faults = built(messages(sequence, [1, 2, 3, 4, 4, 4, 1]))
    assert faults == {"starts_without_snapshot": 3}
    assert [flags for _, _, flags, _ in rows] == [BAD, BAD, BAD, 0, 0, 0]


def test_a_snapshot_needs_no_clear_before_it() -> None:
    rows, faults = built(messages([("A", "B", 1, 100, 5)], flags=F_SNAPSHOT))
    assert not faults
    assert [flags for _, _, flags, _ in rows] == [F_SNAPSHOT]


def random_messages(rng: np.random.Generator, count: int, faulty: float) -> np.ndarray:
    """A walk of adds, cancels, modifies, trades and clears of three instruments.

    faulty: the share of records that name any order at any size, or lack something.
    """
    rests: list[dict[int, tuple[str, int, int]]] = [{}, {}, {}]
    rows: list[Message] = []
    instruments: list[int] = []
    fresh = iter(range(1, 10 * count))
    middle = 1_000
    while len(rows) < count:
        number = int(rng.choice(3, p=[0.8, 0.15, 0.05]))
        orders = rests[number]
        middle += int(rng.integers(-1, 2)) if rng.random() < 0.05 else 0
        action = str(rng.choice(list("AACCMTFNR"), p=[*[0.245] * 3, 0.1, 0.1, *[0.02] * 3, 0.005]))
        side = str(rng.choice(["A", "B"]))
        away = int(rng.geometric(0.15)) - 3
        price = middle + (away if side == "A" else -away)
        size = int(rng.integers(1, 9))
        if rng.random() < faulty:
            message = (
                action,
                str(rng.choice(["A", "B", "N"])),
                int(rng.integers(0, 40)),
                price,
                size,
            )
            if rng.random() < 0.2:
                message = (*message[:3], UNDEF_PRICE, int(rng.choice([0, 1, UNDEF_SIZE])))
            # What it does to an order is not followed up: later records may name it wrongly too.
            rows.append(message)
        elif action == "R":
            orders.clear()
            rows.append(CLEAR)
        elif action in "NTF":
            rows.append((action, side, 0, price, size))
        elif action == "A" or not orders:
            order_id = 100 + next(fresh)
            orders[order_id] = (side, price, size)
            rows.append(("A", side, order_id, price, size))
        else:
            order_id = int(rng.choice(list(orders)))
            side, at, rest = orders[order_id]
            if action == "C":
                size = rest if rng.random() < 0.7 else int(rng.integers(1, rest + 1))
                at_rest = rest - size
            else:
                at = at if rng.random() < 0.4 else price
                at_rest = size = int(rng.integers(1, 9))
            if at_rest:
                orders[order_id] = (side, at, at_rest)
            else:
                del orders[order_id]
            rows.append((action, side, order_id, at, size))
        instruments.append(5602 + number)
    return messages(rows, instruments, flags=F_LAST)


@pytest.mark.parametrize(("seed", "faulty"), [(1, 0.0), (2, 0.0), (3, 0.02), (4, 0.3)])
def test_random_sequences_give_what_the_literal_book_gives(seed: int, faulty: float) -> None:
    records = random_messages(np.random.default_rng(seed), 4_000, faulty)
    literal = LiteralBooks()
    expected = literal.rows(records)
    rows, faults = built(records)
    assert rows == expected
    assert faults == literal.faults
    assert len(rows) > 1_500
    if faulty:
        assert len(faults) >= 4
    else:
        # Only the instruments that do not happen to begin with a clear.
        assert set(faults) <= {"starts_without_snapshot"}


ACTIONS = st.tuples(
    st.sampled_from("AAACCMMTFNR"),
    st.sampled_from("AABBN"),
    st.integers(0, 6),
    st.sampled_from([*range(90, 112), UNDEF_PRICE]),
    st.sampled_from([0, 1, 2, 3, 5, UNDEF_SIZE]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(ACTIONS, st.integers(1, 2)), max_size=60),
    st.sampled_from([0, F_LAST, F_SNAPSHOT]),
    st.integers(1, 20),
)
def test_any_sequence_gives_what_the_literal_book_gives(
    sequence: list[tuple[Message, int]], flags: int, pieces: int
) -> None:
    records = messages([one for one, _ in sequence], [on for _, on in sequence], flags)
    literal = LiteralBooks()
    rows, faults = built(records, pieces)
    assert rows == literal.rows(records)
    assert faults == literal.faults


@pytest.mark.parametrize("pieces", [1, 7, 1_000])
def test_how_the_records_are_cut_changes_nothing(pieces: int) -> None:
    records = random_messages(np.random.default_rng(5), 3_000, 0.05)
    assert built(records, pieces) == built(records)


def test_what_rests_is_the_sum_of_its_orders_and_levels_are_in_order() -> None:
    records = random_messages(np.random.default_rng(6), 6_000, 0.1)
    rows, _ = built(records)
    for _, depth, _, (bids, asks) in rows:
        assert 0 <= depth < LEVELS
        assert all(count >= 1 and size >= count for _, size, count in bids + asks)
        assert [price for price, _, _ in bids] == sorted({p for p, _, _ in bids}, reverse=True)
        assert [price for price, _, _ in asks] == sorted({p for p, _, _ in asks})


def test_levels_far_from_the_best_come_into_view_as_they_are() -> None:
    rng = np.random.default_rng(8)
    near_and_far = [(side, n) for side in "AB" for n in range(60)] * 3
    resting: list[Message] = [
        ("A", side, order_id, 100 + n if side == "A" else 99 - n, 1 + order_id % 5)
        for order_id, (side, n) in enumerate(rng.permutation(np.array(near_and_far, object)))
    ]
    by_distance = sorted(resting, key=lambda one: abs(2 * one[3] - 199))
    gone: list[Message] = [("C", *one[1:]) for one in by_distance]
    records = messages([CLEAR, *resting, *gone])
    rows, faults = built(records)
    assert not faults
    assert rows == LiteralBooks().rows(records)
    assert len(rows) > len(gone)


def test_many_orders_levels_instruments_and_clears_find_room() -> None:
    """The tables begin small: 4,096 slots for orders, 32 levels for a side."""
    sequence: list[Message] = []
    instruments: list[int] = []
    for turn in range(3):
        for instrument in range(40):
            sequence.append(CLEAR)
            instruments.append(instrument)
            for n in range(200):
                sequence.append(("A", "AB"[n % 2], n, 1_000 + (n if n % 2 == 0 else -n), 1 + turn))
                instruments.append(instrument)
    rows, faults = built(messages(sequence, instruments), 5_000)
    assert not faults
    last = {instruments[index]: ladder for index, _, _, ladder in rows}
    assert len(last) == 40
    best = [1_000 + 2 * n for n in range(LEVELS)]
    for bids, asks in last.values():
        assert asks == [(price, 3, 1) for price in best]
        assert bids == [(2_000 - price - 1, 3, 1) for price in best]
    books = OrderBooks()
    books.rows(messages(sequence * 10, instruments * 10))
    assert len(books._state.orders) <= 4 * 2 * 8_192  # Dropped orders are forgotten.


def test_sizes_beyond_the_format_are_its_largest() -> None:
    huge = 2**32 - 2
    shown = ladders(("A", "B", 1, 100, huge), ("A", "B", 2, 100, huge), ("C", "B", 1, 100, huge))
    assert [bids for bids, _ in shown] == [
        [(100, huge, 1)],
        [(100, 2**32 - 1, 2)],
        [(100, huge, 1)],
    ]
