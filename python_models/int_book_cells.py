"""One row per stretch between neighbouring boundaries with a book row in it: what it adds up to."""

from es_physics.quant.book_cells import STATE_COLUMNS, Zone, book_cells

BATCH_ROWS = 32_768
SESSION_COLUMNS = ("tick_size_points", "rth_start_ns", "event_end_ns")


def model(dbt, session):
    """One pass over `int_book_rows`, which streams in file order: by a gate, that of time."""
    # Nothing in a run without rows.
    sessions = dbt.ref("int_session").select(*SESSION_COLUMNS).to_arrow_table().to_pylist()
    of_session = sessions[0] if sessions else dict.fromkeys(SESSION_COLUMNS)
    boundaries = dbt.ref("int_book_boundaries").order("boundary_nr").to_arrow_table()
    zones = dbt.ref("int_barrier_zones").order("event_id").to_arrow_table()
    states = dbt.ref("int_book_rows").select(*STATE_COLUMNS)
    return book_cells(
        states.to_arrow_reader(BATCH_ROWS),
        boundaries["boundary_ns"].to_numpy(),
        [Zone(**zone) for zone in zones.to_pylist()],
        tick_size=of_session["tick_size_points"],
        steps_from_ns=of_session["rth_start_ns"],
        steps_to_ns=of_session["event_end_ns"],
    )
