"""A contract in the languages other tools read. Each module returns plain dicts and lists."""
