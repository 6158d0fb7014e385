"""Where rows rest: the port both roads meet at, and its adapters for BigQuery and DuckDB."""
