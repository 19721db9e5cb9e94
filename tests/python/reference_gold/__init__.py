"""An independent, slow and literal computation of gold, used as a test oracle.

It shares no formula with the project: rows are walked one by one in Python over committed Silver
files, sums are correctly rounded, ranks are exact, and the null's incidence inverts a Laplace
transform. `expected_gold` computes every table of a range, `KEYS` says what a row of each is known
by; `reference.compare` says in words how two tables differ.

Readings, where the definitions leave a choice:

- Profiles, drift and folds are of sessions with a cash session only. A bucket of a metric without
  a known value has no row.
- `ofi_weights` calls its w `weight`, `microprice` its G `g_ticks`. The first term of the series
  that is below 1e-10 is still added.
- A one-hot of an unknown state is NULL in all its columns.
- `event_targets` has a row per event and target; `class` is the one that came true, and each class
  has its `p_null_` column (`targets.by_class` turns it into a row per class). A head's class is
  UNDEFINED where the fixed outcome is, touched or not.
- Of `feature_drift`, N and n count events, unknown values included; `bins` are those not left out.
- `level_outcomes`: means of the null are weighted as shares are. Left out are unscored events and
  placebos near a real level, and `left_out_share` is their share of the stratum's events. A stratum
  of which nothing is scored keeps its row. Real less placebo is the difference of the two excesses
  over the sessions that have both, its residuals those of both, its floor theirs as independent;
  it stands on the real row. q is of each class on its own.
- `cumulative_incidence` is of real events whose null is known and open, UNDEFINED ones too; a
  window without any trade is censored at 0.
- `event_curves` takes all events and all placebos, near a real level or not; its error needs two
  sessions. Strata are called ALL and, for example, PM_HIGH_UP.
- `univariate`: a session in which a side does not vary has no correlation. t needs two sessions, q
  ten. A past_ic that "never varies" is one of at least two sessions.
- Steps of `event_sequences` that the grid lacks are NULL. `lead_lag_summary` has a row per pair and
  theta, with the number of sessions that know the pair.
"""

from reference_gold.constants import GOLD_DEFAULTS, GoldConstants
from reference_gold.gold import KEYS, expected_gold

__all__ = ["GOLD_DEFAULTS", "KEYS", "GoldConstants", "expected_gold"]
