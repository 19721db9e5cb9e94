"""One row per minute mark and option of the chain: its implied volatility and gamma."""

import pyarrow as pa
import pyarrow.compute as pc

from es_physics.quant.chain_volatility import chain_volatility

OPTION = ("mark_ns", "expiration_ns", "strike_price_nano", "right", "instrument_id")
QUOTE = ("underlying_price", "bid_price_nano", "ask_price_nano")


def model(dbt, session):
    """Inverts the mids of `int_option_marks`, the whole session in one pass."""
    params = dbt.ref("session_params").to_arrow_table().to_pylist()[0]
    marks = dbt.ref("int_option_marks").select(*OPTION, *QUOTE).to_arrow_table()
    mark_ns, expiration_ns, strike_nano, right, instrument_id = (marks[name] for name in OPTION)
    volatility = chain_volatility(
        mark_ns.to_numpy(),
        expiration_ns.to_numpy(),
        strike_nano.to_numpy(),
        pc.equal(right, "C").to_numpy(),
        instrument_id.to_numpy(),
        *(marks[name].to_numpy() for name in QUOTE),
        iv_min=params["iv_min"],
        iv_max=params["iv_max"],
        rate=params["risk_free_rate"],
    )
    table = marks.select(["mark_ns", "instrument_id"])
    for name, values in volatility._asdict().items():
        kind = pa.string() if values.dtype == object else pa.float64()
        table = table.append_column(name, pa.array(values, kind, from_pandas=True))
    return table
