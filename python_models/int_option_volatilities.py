"""One row per minute mark and option of the chain: its implied volatility and gamma."""

import pyarrow as pa
import pyarrow.compute as pc

from es_physics.quant.chain_volatility import chain_volatility


def model(dbt, session):
    """Inverts the mids of `int_option_marks`, the whole session in one pass."""
    params = dbt.ref("session_params").to_arrow_table().to_pylist()[0]
    marks = dbt.ref("int_option_marks").to_arrow_table()

    volatility = chain_volatility(
        marks["mark_ns"],
        marks["expiration_ns"],
        marks["strike_price_nano"],
        pc.equal(marks["right"], "C"),
        marks["instrument_id"],
        marks["underlying_price"].to_numpy(),
        marks["bid_price_nano"].to_numpy(),
        marks["ask_price_nano"].to_numpy(),
        iv_min=params["iv_min"],
        iv_max=params["iv_max"],
        rate=params["risk_free_rate"],
    )
    table = marks.select(["mark_ns", "instrument_id"])
    for name, values in volatility._asdict().items():
        table = table.append_column(name, pa.array(values, from_pandas=True))
    return table
