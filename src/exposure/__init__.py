"""The Data Exposure Platform: events on Pub/Sub in, rows over HTTP out, declared once."""
