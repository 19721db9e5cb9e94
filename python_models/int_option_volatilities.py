"""One row per minute mark and option of the chain: its implied volatility and gamma."""

import pyarrow as pa
import pyarrow.compute as pc

from es_physics.quant.chain_volatility import chain_volatility

OPTION = (
    *("mark_ns", "expiration_ns", "strike_price_nano", "right", "instrument_id"),
    *("underlying_price", "bid_price_nano", "ask_price_nano"),
)


def model(dbt, session):
    """Inverts the mids of `int_option_marks`, the whole session in one pass."""
    params = dbt.ref("session_params").to_arrow_table().to_pylist()[0]
    marks = dbt.ref("int_option_marks").select(*OPTION).to_arrow_table()
    is_call = pc.equal(marks["right"], "C")

    volatility = chain_volatility(
        *(column.to_numpy() for column in marks.set_column(3, "is_call", is_call).columns),
        iv_min=params["iv_min"],
        iv_max=params["iv_max"],
        rate=params["risk_free_rate"],
    )
    table = marks.select(["mark_ns", "instrument_id"])
    for name, values in volatility._asdict().items():
        kind = pa.string() if values.dtype == object else pa.float64()
        table = table.append_column(name, pa.array(values, kind, from_pandas=True))
    return table
