"""What is said of a message that cannot become a row."""

from __future__ import annotations

from exposure.ingest.rejection import Reason, Rejected, Rejection


def test_a_detail_is_cut_to_what_a_person_reads() -> None:
    assert len(Rejection(Reason.NOT_JSON, "x" * 5000).detail) == 1000


def test_the_path_grows_from_the_inside_out() -> None:
    rejected = Rejected(Reason.WRONG_TYPE, "is no decimal").under(".price").under("[3]").under(".items")
    assert rejected.rejection == Rejection(Reason.WRONG_TYPE, "`$.items[3].price` is no decimal")


def test_without_a_path_the_detail_is_the_sentence() -> None:
    assert Rejected(Reason.NOT_JSON, "no JSON").rejection.detail == "no JSON"
