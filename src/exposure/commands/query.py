"""`exposure query`: rows of a contract, asked of the API over HTTP as any reader would.

The filters are the API's own; it alone judges them, so its answers are the same here and in a browser.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from exposure.commands.console import FAILED, MISUSED, fail, new_table, say, show_table
from exposure.commands.contract_option import ContractName
from exposure.commands.local_addresses import LOCAL_API

if TYPE_CHECKING:
    from exposure.commands.api_pages import ApiPage, RowsUrl

_ALL_PAGE_SIZE = "1000"
Credential = Annotated[
    str | None,
    typer.Option(
        envvar="EXPOSURE_CREDENTIAL",
        metavar="KEY",
        help="API key or token; in the variable no history keeps it.",
        show_default=False,
    ),
]


def query(
    name: ContractName,
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COLUMN.OPERATOR=VALUE]...", help="For example total.gte=10.5"),
    ] = None,
    select: Annotated[str | None, typer.Option(help="Columns, separated by commas.")] = None,
    order: Annotated[str | None, typer.Option(help="Columns to order by, a - in front to descend.")] = None,
    page_size: Annotated[int | None, typer.Option(help="Rows a page.")] = None,
    every_page: Annotated[bool, typer.Option("--all", help="Follow the pages to the last.")] = False,
    url: Annotated[str, typer.Option(help="Address of the API.")] = LOCAL_API,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, not a table.")] = False,
    credential: Credential = None,
) -> None:
    """Ask the API for rows and show them.

    Ends with 2 when the API refuses the question and with 1 when it does not answer.
    """
    from exposure.commands.api_pages import ApiRefused, ApiUnreachable, RowsUrl

    size = str(page_size) if page_size is not None else _ALL_PAGE_SIZE if every_page else None
    options = {"select": select, "order": order, "page_size": size}
    parameters = [_filter(text) for text in filters or []]
    parameters += [(option, value) for option, value in options.items() if value is not None]
    try:
        rows = RowsUrl(url, name, parameters, credential)
        _show(_pages(rows, every_page=every_page), as_json=as_json)
    except ApiRefused as refused:
        for line in refused.lines:
            say(f"exposure: {line}")
        raise typer.Exit(MISUSED if refused.status < 500 else FAILED) from refused
    except ApiUnreachable as error:
        fail(str(error))


def _filter(text: str) -> tuple[str, str]:
    parameter, equals, value = text.partition("=")
    if not equals:
        fail(f"'{text}' is no filter; write COLUMN.OPERATOR=VALUE, for example {text}.eq=1", MISUSED)
    return parameter, value


def _pages(rows: RowsUrl, *, every_page: bool) -> Iterator[ApiPage]:
    from exposure.commands.api_pages import read_pages

    for page in read_pages(rows):
        yield page
        if not every_page:
            return


def _show(pages: Iterator[ApiPage], *, as_json: bool) -> None:
    count = 0
    for page in pages:
        count += len(page.data)
        if as_json:
            _write_lines(page)
        elif page.data:
            _write_table(page)
        complete, as_of, window = page.complete, page.as_of, page.window
    more = "" if complete else "; more remain, --all reads them"
    within = "" if window is None else f" with {window.parameter}={window.value}"
    say(f"{count} row{'' if count == 1 else 's'}{within}, as of {as_of}{more}")


def _write_lines(page: ApiPage) -> None:
    for row in page.data:
        # A JSON column keeps the text it was published with, line ends among it.
        sys.stdout.buffer.write(msgspec.json.format(bytes(row), indent=-1) + b"\n")
    sys.stdout.buffer.flush()


def _write_table(page: ApiPage) -> None:
    from rich.text import Text

    rows = [json.loads(bytes(row)) for row in page.data]
    table = new_table(*rows[0])
    for row in rows:
        # Text, because a value may look like rich's markup.
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    show_table(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
