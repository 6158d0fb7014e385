"""What the services are made of, as their settings say; `exposure.entrypoints` is where they begin."""
