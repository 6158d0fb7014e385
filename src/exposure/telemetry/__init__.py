"""What the processes say of themselves; the names are in `names`, and no cloud is known here."""
