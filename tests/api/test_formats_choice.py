"""Which format a request is answered in, and what is refused before anything is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from exposure.api.formats import format as formats
from exposure.api.formats.choice import choose_format
from exposure.api.formats.format import Options, Shape
from exposure.api.formats.offered import FORMATS, format_of
from exposure.api.problems import NOT_ACCEPTABLE, Problem
from exposure.query.errors import BadQuery
from exposure.query.grammar import REPRESENTATION
from fakes.api_house import ApiHouse

ALL_TYPES = [media_type for one in FORMATS for media_type in one.media_types]


def refused(*parameters: tuple[str, str], accept: str = "") -> list[tuple[str, str]]:
    with pytest.raises(BadQuery) as refusal:
        choose_format(accept, parameters)
    return [(error.parameter, error.code) for error in refusal.value.errors]


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/*", "csv"),
        ("text/csv", "csv"),
        ("application/csv", "csv"),
        ("application/vnd.apache.parquet", "parquet"),
        ("application/vnd.apache.arrow.stream;q=0.9, text/csv;q=0.8", "arrow"),
        ("text/html, text/csv;q=0.9", "csv"),
        ("application/ndjson", "ndjson"),
    ],
)
def test_accept_chooses_by_weight(accept: str, name: str) -> None:
    assert choose_format(accept, ()).format.name == name


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_format_comes_before_accept_whatever_it_says(one: formats.Format) -> None:
    choice = choose_format("text/html", [("format", one.name)])
    assert (choice.format, choice.media_type) == (one, one.media_types[0])


@pytest.mark.parametrize("media_type", ALL_TYPES)
def test_every_media_type_belongs_to_one_format(media_type: str) -> None:
    assert format_of(media_type).name == choose_format(media_type, ()).format.name
    assert ALL_TYPES.count(media_type) == 1


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadQuery) as refusal:
        choose_format("", [("format", "cvs")])
    [error] = refusal.value.errors
    assert (error.code, error.suggestion) == ("WRONG_VALUE", "csv")
    assert error.allowed == ("json", "ndjson", "csv", "arrow", "parquet")


def test_what_is_not_accepted_is_refused_with_all_that_is_offered() -> None:
    with pytest.raises(Problem) as refusal:
        choose_format("text/html", ())
    assert refusal.value.kind is NOT_ACCEPTABLE
    assert refusal.value.errors[0].allowed == tuple(ALL_TYPES)


def test_the_words_of_a_format_become_its_options() -> None:
    words = [("format", "csv"), ("csv_safe", "true"), ("bom", "true")]
    assert choose_format("", words).options == Options(csv_safe=True, bom=True)
    assert choose_format("", [("shape", "columns")]).options == Options(shape=Shape.COLUMNS)
    assert choose_format("application/x-ndjson", [("end_record", "true")]).options == Options(end_record=True)


def test_a_word_of_another_format_is_refused_unless_it_asks_for_nothing() -> None:
    assert refused(("csv_safe", "true"), ("bom", "true")) == [
        ("csv_safe", "NOT_APPLICABLE"),
        ("bom", "NOT_APPLICABLE"),
    ]
    assert refused(("format", "csv"), ("shape", "arrays")) == [("shape", "NOT_APPLICABLE")]
    assert choose_format("", [("csv_safe", "false")]).options == Options()


@pytest.mark.parametrize("text", ["", "1", "TRUE", "yes"])
def test_a_word_that_is_no_truth_is_refused(text: str) -> None:
    assert refused(("format", "csv"), ("bom", text)) == [("bom", "WRONG_VALUE")]


def test_an_unknown_shape_is_refused_with_those_there_are() -> None:
    assert refused(("shape", "rows")) == [("shape", "WRONG_VALUE")]
    with pytest.raises(BadQuery) as refusal:
        choose_format("", [("shape", "columns")], (Shape.OBJECTS, Shape.ARRAYS))
    assert refusal.value.errors[0].allowed == ("objects", "arrays")


def test_every_word_belongs_to_a_format() -> None:
    assert {word for one in FORMATS for word in one.words} == set(REPRESENTATION) - {"format"}


def test_without_its_library_a_format_is_not_offered_and_its_refusal_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(formats, "is_installed", lambda library: library != "pyarrow")
    assert choose_format("*/*", ()).format.name == "json"
    assert refused(("format", "parquet")) == [("format", "NOT_AVAILABLE")]
    with pytest.raises(Problem, match=r"needs pyarrow, which is not installed") as refusal:
        choose_format("application/vnd.apache.parquet", ())
    assert refusal.value.errors[0].allowed == tuple(
        media_type for one in FORMATS if one.library is None for media_type in one.media_types
    )


async def test_what_is_wrong_with_format_and_question_is_told_together(api: ApiHouse) -> None:
    for path in ("/v1/orders", "/v1/orders:export"):
        codes = await api.error_codes(f"{path}?format=xml&totl.gt=1&bom=true")
        assert codes == ["WRONG_VALUE", "UNKNOWN_COLUMN"], path


async def test_a_word_given_twice_is_refused(api: ApiHouse) -> None:
    assert await api.error_codes("/v1/orders?format=csv&format=json") == ["REPEATED"]
    assert await api.error_codes("/v1/orders:export?shape=arrays&shape=arrays") == ["REPEATED"]


async def test_a_mistyped_word_is_refused_with_the_one_that_was_meant(api: ApiHouse) -> None:
    problem = await api.refused("/v1/orders?fromat=csv")
    assert problem["errors"][0]["suggestion"] == "format"


def test_answers_in_text_are_written_without_the_libraries_of_the_others() -> None:
    program = (
        "import sys; from exposure.api.formats.choice import choose_format; "
        "from exposure.contracts.orders import CONTRACT; "
        "column = CONTRACT.key_column; "
        "chosen = [choose_format('', [('format', name)]) for name in ('json', 'ndjson', 'csv')]; "
        "writers = [one.writer([column]) for one in chosen]; "
        "print([one.begin() + one.write([('a',)]) + one.end({}) for one in writers]); "
        "print('pyarrow' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.splitlines()[1] == "False"
