"""Who signed this token, and what does it say: verification both roads share. It decides nothing by it."""
