"""A worked study on gold: does one feature tell break from bounce, beyond what a random walk knows?

`.venv/bin/marimo edit notebooks/study.py` (pip install marimo), from the project's folder, after
`make gold` or `make gold-demo`. Nothing is fetched: the chart carries its script.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="es_physics: a study")


@app.cell
def _():
    import math

    import duckdb
    import marimo as mo
    from bokeh.embed import file_html
    from bokeh.models import ColumnDataSource, Span, Whisker
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    from es_physics import committed_files, gold_root

    return (
        INLINE,
        ColumnDataSource,
        Span,
        Whisker,
        committed_files,
        duckdb,
        figure,
        file_html,
        gold_root,
        math,
        mo,
    )


@app.cell
def _(committed_files, duckdb, gold_root, mo):
    _files = committed_files(gold_root(), "gold")
    mo.stop(not _files, mo.md(f"No gold is published below `{gold_root()}`: `make gold`."))
    database = duckdb.connect()
    for _table, _path in _files.items():
        database.read_parquet(str(_path)).create_view(_table)
    mo.md("Tables: " + ", ".join(f"`{name}`" for name in sorted(_files)))
    return (database,)


@app.cell
def _(database, mo):
    _features = [
        name for (name,) in database.execute("select feature from feature_sets").fetchall()
    ]
    feature = mo.ui.dropdown(_features, value="ofi_normalized_60s", label="feature")
    target = mo.ui.dropdown(["scaled", "scaled_050", "fixed"], value="scaled", label="target")
    mo.vstack(
        [
            mo.md(
                "**Choose before you look.** Features are turned so that positive means along the"
                " approach. Every choice tried is a trial, and one in twenty looks good at 5 %."
            ),
            mo.hstack([feature, target], justify="start"),
        ]
    )
    return feature, target


@app.cell
def _(database, feature, mo, target):
    # Fold by fold the cut is the training sessions' median; the test sessions come later. What is
    # left of break less bounce when the random walk's odds are taken away is compared above and
    # below it.
    database.execute(
        f"""
        create or replace table excesses as
        with cuts as (
            select
                folds.fold,
                median(matrix."{feature.value}") as cut
            from folds
            inner join event_matrix as matrix using (session_date)
            where folds.role = 'train'
            group by folds.fold
        )
        select
            folds.fold,
            folds.session_date,
            matrix."{feature.value}" > cuts.cut as is_above,
            targets.weight,
            (targets.class = 'BREAK')::integer - (targets.class = 'BOUNCE')::integer
            - (targets.p_null_break - targets.p_null_bounce) as excess
        from folds
        inner join cuts using (fold)
        inner join event_matrix as matrix using (session_date)
        inner join event_targets as targets using (event_id)
        where
            folds.role = 'test'
            and targets.target = ?
            and targets.is_scored
            and matrix."{feature.value}" is not null
        """,
        [target.value],
    )
    _events, _sessions = database.execute(
        "select count(*), count(distinct session_date) from excesses"
    ).fetchone()
    mo.stop(
        not _events,
        mo.md(
            "No fold has a scored event with this feature known: more sessions, or a smaller"
            " `min_train`."
        ),
    )
    mo.md(
        f"{_events:,} events of {_sessions} test sessions, by folds that learn from earlier ones."
    )
    return


@app.cell
def _(database, feature, math, mo):
    # One number a session, because entries of a day are no independent draws.
    _mean, _sd, _n = database.execute(
        """
        with sides as (
            select
                session_date,
                sum(weight * excess) filter (where is_above) / sum(weight) filter (where is_above)
                - sum(weight * excess) filter (where not is_above)
                / sum(weight) filter (where not is_above) as difference
            from excesses
            group by session_date
        )
        select avg(difference), stddev_samp(difference), count(difference) from sides
        """
    ).fetchone()
    _is_known = _n >= 2 and _sd
    _error = _sd / math.sqrt(_n) if _is_known else None
    verdict = (
        f"Break less bounce, beyond the random walk, is **{_mean:+.3f}** higher where"
        f" `{feature.value}` is above its training median than below: t = {_mean / _error:.1f}"
        f" over {_n} sessions, standard error {_error:.3f}. An effect of {2.8 * _error:.3f} would"
        " be seen four times in five; a smaller one this study cannot tell from none."
        if _is_known
        else f"{_n} sessions have entries on both sides of the median: too few to say anything."
    )
    mo.md(verdict)
    return (verdict,)


@app.cell
def _(ColumnDataSource, INLINE, Span, Whisker, database, feature, figure, file_html, mo):
    _rows = database.execute(
        """
        with sessions as (
            select
                fold,
                is_above,
                session_date,
                sum(weight * excess) / sum(weight) as excess
            from excesses
            group by all
        )
        select
            (fold + if(is_above, 0.1, -0.1))::double as place,
            is_above,
            avg(excess) as middle,
            coalesce(stddev_samp(excess) / sqrt(count(*)), 0) as error,
            count(*) as sessions
        from sessions
        group by fold, is_above
        order by fold, is_above
        """
    ).fetchall()
    _plot = figure(
        height=380,
        width=820,
        x_axis_label="fold (later folds test later sessions)",
        y_axis_label="break less bounce, beyond the random walk",
        tools="pan,wheel_zoom,box_zoom,reset",
    )
    for _is_above, _colour in ((True, "#1b8a7a"), (False, "#c8641b")):
        _side = [row for row in _rows if row[1] == _is_above]
        _source = ColumnDataSource(
            {
                "place": [row[0] for row in _side],
                "middle": [row[2] for row in _side],
                "low": [row[2] - row[3] for row in _side],
                "high": [row[2] + row[3] for row in _side],
            }
        )
        _plot.scatter(
            "place",
            "middle",
            source=_source,
            size=8,
            color=_colour,
            legend_label=f"{feature.value} {'above' if _is_above else 'below'} its median",
        )
        _plot.add_layout(Whisker(base="place", lower="low", upper="high", source=_source))
    _plot.add_layout(Span(location=0, dimension="width", line_dash="dashed"))
    # Shown by itself, marimo would fetch Bokeh's script from the network.
    mo.iframe(file_html(_plot, INLINE), height="420px")
    return


if __name__ == "__main__":
    app.run()
