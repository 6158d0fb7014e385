"""Answers kept: what was asked before is not asked of the warehouse again while its table is the same."""
