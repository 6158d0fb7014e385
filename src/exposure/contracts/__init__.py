"""The declarations everything else follows from. Pure: the standard library only."""
