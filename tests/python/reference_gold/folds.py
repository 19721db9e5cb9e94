"""Which sessions train, calibrate and test, fold by fold (definitions, section 22)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants

FOLDS_SCHEMA = {"fold": pl.Int64, "session_date": pl.Date, "role": pl.String}


def folds(rth_dates: Sequence[date], constants: GoldConstants = GOLD_DEFAULTS) -> pl.DataFrame:
    """The `folds` table, by `FOLDS_SCHEMA`; a fold exists where its test has a session."""
    rows: list[tuple[int, date, str]] = []
    fold = 0
    while True:
        train_end = constants.min_train + constants.test_sessions * fold
        calibration_end = train_end + constants.calibration_sessions
        embargo_end = calibration_end + constants.embargo_sessions
        test_end = embargo_end + constants.test_sessions
        if embargo_end >= len(rth_dates):
            return pl.DataFrame(rows, schema=FOLDS_SCHEMA, orient="row")
        for number, day in enumerate(rth_dates, start=1):
            if number <= train_end:
                rows.append((fold, day, "train"))
            elif number <= calibration_end:
                rows.append((fold, day, "calibration"))
            elif number <= embargo_end:
                rows.append((fold, day, "embargo"))
            elif number <= test_end:
                rows.append((fold, day, "test"))
        fold += 1
