"""The report says what was measured, in words, in JSON and as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from load.constant_rate import Answer, Sample, Step
from load.outcome import StepOutcome, outcome_of
from load.report import table, verdict, write

SVG = "{http://www.w3.org/2000/svg}"


def step_of(rate: float, seconds: float, late: float = 0.0) -> StepOutcome:
    return outcome_of(Step(rate, 1.0), [Sample(Answer("read"), seconds, late)] * 10, [0.4])


STEPS = [step_of(25, 0.01), step_of(50, 0.02), step_of(100, 2.0)]


def test_the_table_has_percentiles_of_each_kind_and_freshness() -> None:
    lines = table(STEPS).splitlines()
    assert lines[1].split()[:6] == ["25", "read", "10", "10.0", "10.0", "10.0"]
    assert lines[2].split()[:4] == ["25", "visible", "1", "400.0"]
    assert lines[5].endswith("not held")


def test_the_verdict_names_the_rate_that_is_held() -> None:
    assert verdict(STEPS)[0].startswith("the knee: 50/s is held (p95 up to 300 ms")
    assert "the highest asked for" in verdict(STEPS[:2])[0]
    assert verdict(STEPS[2:])[0].startswith("not even 100/s is held")


def test_the_verdict_warns_of_a_generator_that_was_late_itself() -> None:
    assert len(verdict(STEPS)) == 1
    assert "the generator was late itself" in verdict([step_of(10, 0.2, late=0.1)])[1]


def test_the_json_holds_what_the_table_says(tmp_path: Path) -> None:
    write(STEPS, tmp_path, "mixed")
    document = json.loads((tmp_path / "open-model.json").read_text())
    assert document["held_per_second"] == 50
    assert [step["held"] for step in document["steps"]] == [True, True, False]
    assert document["steps"][0]["answers"]["read"]["p95_ms"] == 10


def test_the_plot_draws_each_percentile_through_each_rate(tmp_path: Path) -> None:
    write(STEPS, tmp_path, "readers < publishers & both")
    picture = ET.parse(tmp_path / "open-model.svg").getroot()  # noqa: S314 - written a line above
    curves = [line.attrib["points"].split() for line in picture.iter(f"{SVG}polyline")]
    assert [len(points) for points in curves] == [3, 3, 3]
    words = [text.text for text in picture.iter(f"{SVG}text")]
    assert "readers < publishers & both" in words
    assert "held: 50/s" in words
    for curve in curves:
        across = [float(point.split(",")[0]) for point in curve]
        assert across == sorted(across)


def test_a_run_in_which_nothing_was_read_is_still_a_report(tmp_path: Path) -> None:
    failed = outcome_of(Step(10, 1.0), [Sample(Answer("read", "ConnectError"), 0.1, 0.0)] * 3, [])
    write([failed], tmp_path, "mixed")
    assert "3 x ConnectError" in (tmp_path / "open-model.txt").read_text()
