"""A DBN file to Parquet by the vendor's client, as its documentation shows it.

python -m bench.vendor_parquet DBN PARQUET
"""

from __future__ import annotations

import sys

import databento

if __name__ == "__main__":
    source, destination = sys.argv[1:]
    databento.DBNStore.from_file(source).to_parquet(destination)
