"""Five hundred texts by which somebody would break out of a value, and texts that are odd alone."""

from __future__ import annotations

import itertools

_QUOTES = (
    "'",
    '"',
    "`",
    "''",
    '""',
    "\\'",
    '\\"',
    "\\`",
    "]",
    "$$",
    "'''",
    '"""',
    "r'",
    "\u2019",
    "\uff07",
    "%27",
)
_ATTACKS = (
    " OR 1=1 --", " OR TRUE #", "; DROP TABLE orders; --", " UNION SELECT * FROM orders --", ") OR (1=1",
    "/**/OR/**/1=1/*", " AND sleep(9)", "||(SELECT version())||", "; ATTACH 'x.db'", "; COPY orders TO 'x'",
    "+pragma_version()+", " IS NOT NULL OR ",
)  # fmt: skip
_ALONE = (
    "$p0", "@p0", "$1", "?", ":p0", "@page_rows", "$page_rows", "{0}", "{}", "%s", "%(p0)s", "%d", "{{7*7}}",
    "${7*7}", "#{7*7}", "<%= 7 %>", "\\", "\\\\", "\\%", "%", "_", "%%", "*", ".*", "(?i)a", "(a+)+$",
    "[a-z]",
    "^$", "\\d", "--", "#", "/*", "*/", ";", ",", "(", ")", "()", "((((((", "not", "and", "or",
    "not not", "NULL",
    "null", "true", "NaN", "inf", "-0", "0x1F", "1e999", "' ", " '", "\t", "\r\n", "\n--", "\u2028", "\u202e",
    "\ufeff", "\u0000", "a\u0000b", "\ufffd", "\U0010ffff", "e\u0301", "\u00a0", "ﬀ", "ſ", "İ", "ß", "𝒳",
    "🦜",
    "../../etc/passwd", "..%2f..%2f", "file:///etc/passwd", "read_csv('/etc/passwd')", "current_setting('x')",
    "information_schema.tables", "duckdb_settings()", "INFORMATION_SCHEMA", "__TABLES__", "_PARTITIONTIME",
    "_FILE_NAME", "rowid", "`p.d.t`", '"sales_dataset"."orders"', "orders", "order_id", "order_id.eq", "eq",
    "SELECT", "FROM", "QUALIFY", "UNNEST", "STRUCT(1)", "[1,2]", '{"a":1}', "<script>alert(1)</script>",
    "&page_size=1", "?x=1", "=", "==", "%00", "%ff", "x" * 1000, "'" * 300, "\\" * 300, "a,b",
    '"a,b"', '"a""b"',
)  # fmt: skip


def corpus() -> list[str]:
    """Return at least 500 texts: breaking out of quotes with every attack behind, and what is odd alone."""
    broken_out = [
        f"{word}{quoted}{attack}"
        for (quoted, attack), word in zip(
            itertools.product(_QUOTES, _ATTACKS), itertools.cycle(["", "EUR", "ord-1"]), strict=False
        )
    ]
    closed = [f"{quoted}){attack}" for quoted, attack in itertools.product(_QUOTES, _ATTACKS)]
    return list(dict.fromkeys([*broken_out, *closed, *_QUOTES, *_ATTACKS, *_ALONE]))


CORPUS = corpus()
