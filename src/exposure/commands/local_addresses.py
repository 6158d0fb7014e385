"""Where commands look for the platform on this machine unless they are told otherwise."""

from __future__ import annotations

LOCAL_API = "http://127.0.0.1:8080"
LOCAL_INGEST = "http://127.0.0.1:8081"
LOCAL_PUBSUB = "127.0.0.1:8085"
LOCAL_PROJECT = "local"
LOCAL_DATABASE = ".exposure/warehouse.duckdb"
LOCAL_KEYS = ".exposure/keys.json"
