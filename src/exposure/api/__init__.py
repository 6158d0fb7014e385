"""The road out: HTTP GETs are answered from the warehouse."""
