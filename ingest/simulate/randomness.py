"""Independent random streams, one per trade date and purpose."""

from __future__ import annotations

from datetime import date
from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a random stream is for; a further feed takes a further number, never an old one."""

    DAILY_CLOSES = 0
    INDEX_PATH = 1
    FEED_LATENCY = 2
    SPX = 3
    INSTRUMENT_EVENTS = 4
    INSTRUMENT_SIZES = 5
    DEFINITIONS = 6
    OPTION_VOLATILITY = 7
    OPTION_QUOTES = 8
    OPTION_LATENCY = 9
    OPTION_DEFINITIONS = 10
    OPTION_STATISTICS = 11
    HIDDEN_SIDES = 12


def generator(seed: int, trade_date: date, stream: Stream, key: int = 0) -> np.random.Generator:
    """The generator of one purpose on one trade date; `key` tells instruments apart."""
    return np.random.default_rng([seed, trade_date.toordinal(), int(stream), key])
