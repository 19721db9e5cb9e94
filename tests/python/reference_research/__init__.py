"""An independent, slow and literal computation of what models and scores publish, as a test oracle.

It reads the published tables of gold and shares no formula with the project. `expected_run`
computes a run, `expected_scores` the scores of its predictions; `reference.compare` says in words
how two tables differ. What a regression minimises is solved by Newton's method, trees are
lightgbm's own; tests hold losses and areas against scikit-learn's.

Readings, where the definitions leave a choice:

- Events are in the order of session and event_id, also where classes are permuted: default_rng(7)
  anew in every fold, a `permutation` per train session. Weights stay where they are.
- Medians and IQRs are unweighted, over the known values of the fold's scored train events. A
  feature with an IQR of 0, or without a known value, is left out with its column for the unknown; a
  flag keeps its values and has such a column as well. 0/1 columns are the seed's flags.
- Of two classes `logit` has one vector of coefficients; the trees' objective is multiclass for any
  number of classes.
- `null_calibrated` adds weighted losses up, and is fitted on scored events of train and
  calibration; rates and models are of train alone. Calibrated are logit, the trees, knn, null_knn.
- What uses no features is of feature set `none`. p_raw equals p where nothing is calibrated;
  that of `null_calibrated` is the walk's.
- The features of a group are those of the set that have a size. Neighbours are those of test
  events, among scored train events.
- `effective_n` of a stratum is its weight; below 50, also in all, the rest but counts is NULL. What
  is not a logarithm takes p as it is. `gain_move` and `gain_side` are of clipped p, CHOP against
  the sum of the two others, over all events; a head has neither.
- A skill's error is clustered as a study's is; `detectable` is in units of skill. Resamples draw
  among the sessions of the stratum. `side_t` and `move_t` are NULL too where their gain has no
  size.
- `trials` counts rows of candidates, of all runs, done or failed. What has no side to bet on has
  no `edge`, whose mean is unweighted.
- Quartiles of nearness are by minimum rank, as bins are.
"""

from reference_research.inputs import Gold
from reference_research.runs import FITTED, KEYS, WITHOUT_FEATURES, expected_run
from reference_research.scores import SCORE_KEYS, expected_scores

__all__ = [
    "FITTED",
    "KEYS",
    "SCORE_KEYS",
    "WITHOUT_FEATURES",
    "Gold",
    "expected_run",
    "expected_scores",
]
