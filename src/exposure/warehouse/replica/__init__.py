"""A contract's recent rows in the API's memory: loaded once, followed for ever, in front of the warehouse."""
