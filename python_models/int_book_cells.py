"""One row per stretch between neighbouring boundaries with a book row in it: what it adds up to."""

from es_physics.quant.book_cells import STATE_COLUMNS, Zone, book_cells

BATCH_ROWS = 131_072


def model(dbt, session):
    """One pass over `int_book_rows`, which streams in file order: by a gate, that of time."""
    session_row = dbt.ref("int_session").to_arrow_table().to_pylist()[0]
    boundaries = dbt.ref("int_book_boundaries").order("boundary_nr").to_arrow_table()
    zones = dbt.ref("int_barrier_zones").order("event_id").to_arrow_table()
    states = dbt.ref("int_book_rows").select(*STATE_COLUMNS)
    return book_cells(
        states.to_arrow_reader(BATCH_ROWS),
        boundaries["boundary_ns"].to_numpy(),
        [Zone(**zone) for zone in zones.to_pylist()],
        tick_size=session_row["tick_size_points"],
        steps_from_ns=session_row["rth_start_ns"],
        steps_to_ns=session_row["event_end_ns"],
    )
