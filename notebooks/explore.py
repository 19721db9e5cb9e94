"""Ad-hoc questions to published sessions: `.venv/bin/marimo edit notebooks/explore.py`.

marimo comes with what the tests need (`make check` installs that), or by `pip install marimo`. Run
it from the project's folder. Nothing is fetched: charts carry their script.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="es_physics")


@app.cell
def _():
    import duckdb
    import marimo as mo
    from bokeh.embed import file_html
    from bokeh.models import ColumnDataSource
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    from es_physics import committed_files, committed_sessions, silver_root
    from es_physics.report.palette import light, outcome_role, with_known_outcomes

    return (
        INLINE,
        ColumnDataSource,
        committed_files,
        committed_sessions,
        duckdb,
        figure,
        file_html,
        light,
        mo,
        outcome_role,
        silver_root,
        with_known_outcomes,
    )


@app.cell
def _(committed_sessions, mo, silver_root):
    _days = [str(day) for day in committed_sessions(silver_root())]
    mo.stop(not _days, mo.md(f"No session is published below `{silver_root()}`."))
    sessions = mo.ui.multiselect(_days, value=_days[-5:], label="Sessions")
    sessions  # noqa: B018
    return (sessions,)


@app.cell
def _(committed_files, duckdb, mo, sessions, silver_root):
    from datetime import date as _date

    mo.stop(not sessions.value, mo.md("Choose a session."))
    database = duckdb.connect()
    _files = {}
    for _day in sessions.value:
        for _table, _path in committed_files(silver_root(), _date.fromisoformat(_day)).items():
            _files.setdefault(_table, []).append(str(_path))
    for _table, _paths in sorted(_files.items()):
        database.read_parquet(_paths, union_by_name=True).create_view(_table)
    mo.md("Tables: " + ", ".join(f"`{name}`" for name in sorted(_files)))
    return (database,)


@app.cell
def _(mo):
    question = mo.ui.text_area(
        """select
    level_kind,
    direction,
    count(*) as entries,
    avg((outcome = 'BREAK')::int) as break_share,
    avg(null_p_break) as null_break,
    median(ofi_normalized_60s) as ofi
from level_interactions
group by all
order by all""",
        rows=11,
        full_width=True,
        label="SQL over the chosen sessions",
    )
    question  # noqa: B018
    return (question,)


@app.cell
def _(database, duckdb, mo, question):
    try:
        _relation = database.sql(question.value)
        _answer = mo.ui.table(_relation.to_arrow_table().to_pylist(), selection=None)
    except duckdb.Error as _error:
        _answer = mo.callout(str(_error), kind="warn")
    _answer  # noqa: B018
    return


@app.cell
def _(database, mo):
    _numeric = [
        _name
        for _name, _kind in zip(
            database.view("level_interactions").columns,
            database.view("level_interactions").types,
            strict=True,
        )
        if str(_kind) in {"DOUBLE", "BIGINT", "INTEGER"}
    ]
    across = mo.ui.dropdown(_numeric, value="ofi_normalized_60s", label="across")
    up = mo.ui.dropdown(_numeric, value="strength_signed", label="up")
    mo.hstack([across, up], justify="start")
    return across, up


@app.cell
def _(
    INLINE,
    ColumnDataSource,
    across,
    database,
    figure,
    file_html,
    light,
    mo,
    outcome_role,
    up,
    with_known_outcomes,
):
    _plot = figure(
        height=420,
        width=820,
        x_axis_label=across.value,
        y_axis_label=up.value,
        tools="pan,wheel_zoom,box_zoom,reset",
    )
    _found = database.execute("select distinct outcome from level_interactions").fetchall()
    _markers = {"BREAK": "triangle", "BOUNCE": "circle", "CHOP": "x"}
    for _outcome in with_known_outcomes(_name for (_name,) in _found):
        _columns = database.execute(
            f'select "{across.value}" as x, "{up.value}" as y from level_interactions '
            "where outcome = ?",
            [_outcome],
        ).fetchnumpy()
        _plot.scatter(
            "x",
            "y",
            source=ColumnDataSource({name: list(values) for name, values in _columns.items()}),
            marker=_markers.get(_outcome, "square"),
            size=8,
            color=light(outcome_role(_outcome)),
            fill_alpha=0.4,
            legend_label=_outcome,
        )
    # Shown by itself, marimo would fetch Bokeh's script from the network.
    mo.iframe(file_html(_plot, INLINE), height="460px")
    return


if __name__ == "__main__":
    app.run()
