"""The representations rows are served in: one module per family, one list of all in `offered`."""
