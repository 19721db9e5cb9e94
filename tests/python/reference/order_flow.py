"""Order flow imbalance (definitions, section 6, "OFI").

Cont, Kukanov & Stoikov (2014), "The price impact of order book events", for each price level as
in Xu, Gould & Howison (2018), "Multi-level order-flow imbalance in a limit order book".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.book import BOOK_LEVELS, Book, mean_over_rows
from reference.constants import DEFAULTS, Constants


@dataclass(frozen=True)
class OrderFlow:
    """What each pair contributes on each side and level, contracts: rows x 10.

    Kept at the pair's later row; a row that makes no pair contributes 0.
    """

    bid: NDArray[np.int32]
    ask: NDArray[np.int32]


def order_flow(book: Book) -> OrderFlow:
    """The contributions of every pair of a book."""
    bid = np.zeros(book.bid.size.shape, dtype=np.int32)
    ask = np.zeros(book.ask.size.shape, dtype=np.int32)
    later = np.flatnonzero(book.makes_pair)
    earlier = later - 1

    # A price that is NULL in either row is NaN here: both comparisons fail, and the side is 0.
    price, price_before = book.bid.price[later], book.bid.price[earlier]
    size, size_before = book.bid.size[later], book.bid.size[earlier]
    bid[later] = (price >= price_before) * size - (price <= price_before) * size_before

    price, price_before = book.ask.price[later], book.ask.price[earlier]
    size, size_before = book.ask.size[later], book.ask.size[earlier]
    ask[later] = (price <= price_before) * size - (price >= price_before) * size_before
    return OrderFlow(bid, ask)


def ofi_by_level(flow: OrderFlow, rows: slice) -> list[int]:
    """OFI_1 to OFI_10 over the pairs whose later row is one of `rows`, contracts."""
    return [int(total) for total in (flow.bid[rows] - flow.ask[rows]).sum(axis=0)]


def integrated_ofi(flow: OrderFlow, rows: slice, constants: Constants = DEFAULTS) -> float:
    """The levels' OFI, weighted by weights that fall with depth and sum to 1, contracts."""
    return integrated(ofi_by_level(flow, rows), constants)


def integrated(by_level: Sequence[int], constants: Constants = DEFAULTS) -> float:
    """The weighted mean of ten levels; the weights fall with depth."""
    weights = [math.exp(-constants.ofi_level_decay * m) for m in range(BOOK_LEVELS)]
    return math.fsum(w * flow for w, flow in zip(weights, by_level, strict=True)) / math.fsum(
        weights
    )


def near_level_ofi(
    book: Book, flow: OrderFlow, rows: slice, level: float, constants: Constants = DEFAULTS
) -> float:
    """All levels' contributions, weighted by how near their later price is to the level."""
    scale = constants.ofi_near_level_scale
    terms = np.zeros((2, *flow.bid[rows].shape))
    for number, (side, contribution, sign) in enumerate(
        ((book.bid, flow.bid, 1), (book.ask, flow.ask, -1))
    ):
        weights = np.exp(-np.abs(side.price[rows] - level) / scale)
        # Where the later row has no price there is no weight, and the contribution is 0 anyway.
        terms[number] = sign * np.where(np.isnan(weights), 0.0, weights) * contribution[rows]
    return math.fsum(terms.ravel())


def ofi_features(
    event: Mapping[str, Any], book: Book, flow: OrderFlow, constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """The OFI columns; NULL where the window holds no book row, 0 where it holds no pair."""
    features = ofi_of_book(event, book, flow, constants)
    for seconds in constants.ofi_windows_s:
        rows = book.window(event["event_ts_ns"], seconds)
        near = None
        if rows.start < rows.stop:
            near = near_level_ofi(book, flow, rows, event["level_price"], constants)
        features[f"ofi_near_level_{seconds}s"] = near
    return features


def ofi_of_book(
    event: Mapping[str, Any], book: Book, flow: OrderFlow, constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """Those of the OFI columns that do not depend on the level."""
    features: dict[str, Any] = {}
    for seconds in constants.ofi_windows_s:
        rows = book.window(event["event_ts_ns"], seconds)
        best = weighted = normalized = imbalance = None
        if rows.start < rows.stop:
            best = ofi_by_level(flow, rows)[0]
            weighted = integrated_ofi(flow, rows, constants)
            imbalance = math.copysign(math.log1p(abs(weighted)), weighted)
            size = mean_over_rows(book.size_per_level[rows])
            normalized = weighted / size if size else None
        features |= {
            f"ofi_best_{seconds}s": best,
            f"ofi_integrated_{seconds}s": weighted,
            f"ofi_normalized_{seconds}s": normalized,
            f"ofi_imbalance_{seconds}s": imbalance,
        }
    return features


LEVEL_WINDOW_S = 60
"""The window of the OFI of each level, the one that force and mass have too."""
LEVEL_COLUMNS = tuple(f"ofi_level_{m:02}_{LEVEL_WINDOW_S}s" for m in range(1, BOOK_LEVELS + 1))


def ofi_level_features(
    event: Mapping[str, Any], book: Book, flow: OrderFlow
) -> dict[str, int | None]:
    """OFI of each level, contracts (definitions, section 10); NULL without a book row."""
    rows = book.window(event["event_ts_ns"], LEVEL_WINDOW_S)
    by_level = ofi_by_level(flow, rows) if rows.start < rows.stop else [None] * BOOK_LEVELS
    return dict(zip(LEVEL_COLUMNS, by_level, strict=True))


def voi_by_level(book: Book, rows: slice) -> list[int]:
    """VOI_1 to VOI_10 over the pairs whose later row is one of `rows`, contracts.

    Volume order imbalance (Shen 2015, "Order imbalance based strategy in high frequency trading"):
    where the price of a side gets worse it counts nothing, whatever queue there was.
    """
    later = np.arange(rows.start, rows.stop)[book.makes_pair[rows]]
    earlier = later - 1
    total = np.zeros(BOOK_LEVELS, dtype=np.int64)
    # A higher bid is a better one, and so is a lower ask, whose size counts against the rise.
    for side, better in ((book.bid, 1), (book.ask, -1)):
        # A price that is NULL in either row is NaN here, and no comparison holds.
        price, price_before = better * side.price[later], better * side.price[earlier]
        size, size_before = side.size[later], side.size[earlier]
        change = (price > price_before) * size + (price == price_before) * (size - size_before)
        total += better * change.sum(axis=0, dtype=np.int64)
    return [int(contracts) for contracts in total]


def voi_features(
    event: Mapping[str, Any], book: Book, constants: Constants = DEFAULTS
) -> dict[str, Any]:
    """The VOI columns, up-positive contracts; NULL where the window holds no book row."""
    features: dict[str, Any] = {}
    for seconds in constants.ofi_windows_s:
        rows = book.window(event["event_ts_ns"], seconds)
        best = weighted = None
        if rows.start < rows.stop:
            by_level = voi_by_level(book, rows)
            best, weighted = by_level[0], integrated(by_level, constants)
        features |= {f"voi_best_{seconds}s": best, f"voi_integrated_{seconds}s": weighted}
    return features
