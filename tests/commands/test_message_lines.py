from __future__ import annotations

import io

import pytest

from exposure.commands.message_lines import MAX_LINE_BYTES, MessageLine, read_lines


def lines(content: bytes) -> list[MessageLine]:
    return list(read_lines(io.BytesIO(content)))


def test_lines_are_numbered_from_one_and_stripped() -> None:
    assert lines(b'{"a": 1}\r\n  {"b": 2}') == [
        MessageLine(1, 10, b'{"a": 1}', None),
        MessageLine(2, 10, b'{"b": 2}', None),
    ]


def test_a_last_line_without_a_line_end_counts_and_an_end_adds_none() -> None:
    assert len(lines(b'{"a": 1}')) == len(lines(b'{"a": 1}\n')) == 1


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"", "empty"),
        (b" \t", "empty"),
        (b"[1]", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"7", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"a": 1', "no JSON: "),
        (b"{'a': 1}", "no JSON: "),
        (b'{"a": 1} {"b": 2}', "no JSON: "),
        (b'{"a\xff": 1}', "no JSON: "),
        (b'{"a": NaN}', "no JSON: "),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
    ids=range(12),
)
def test_what_is_no_json_object_is_refused_with_a_reason(line: bytes, fault: str) -> None:
    first, second = lines(line + b'\n{"good": 1}\n')
    assert first.fault is not None
    assert first.fault.startswith(fault)
    assert (second.number, second.fault) == (2, None)


def test_a_line_longer_than_a_message_can_be_is_refused_and_the_next_one_read() -> None:
    long = b'{"a": "' + b"x" * 2 * MAX_LINE_BYTES + b'"}\n'
    first, second = lines(long + b'{"good": 1}\n')
    assert first.fault is not None
    assert first.fault.startswith("longer than")
    assert first.read_bytes == len(long)
    assert (first.data, second.data) == (b"", b'{"good": 1}')


def test_a_line_as_long_as_a_message_can_be_is_taken() -> None:
    longest = b'{"a": "' + b"x" * (MAX_LINE_BYTES - 9) + b'"}'
    (only,) = lines(longest + b"\n")
    assert (len(only.data), only.fault) == (MAX_LINE_BYTES, None)


def test_the_sizes_add_up_to_the_files_for_the_progress_bar() -> None:
    content = b'{"a": 1}\n\nbad\r\n[]'
    assert sum(line.read_bytes for line in lines(content)) == len(content)
