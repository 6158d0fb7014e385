"""The pull form of ingest, for volume: the same pipeline behind a StreamingPull call instead of a push."""
