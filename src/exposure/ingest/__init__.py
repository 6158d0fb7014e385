"""The road in: Pub/Sub messages become durable rows, or are kept aside with a reason."""
