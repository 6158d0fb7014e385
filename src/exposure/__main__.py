"""`exposure …` and `python -m exposure …`: the commands, put together.

Each command is one module of `exposure.commands`; heavy libraries are imported when a command runs.
"""

from __future__ import annotations

import typer

from exposure.commands.canary import canary
from exposure.commands.compact import compact
from exposure.commands.contract import contract
from exposure.commands.ingest import ingest
from exposure.commands.keys import keys
from exposure.commands.local import local
from exposure.commands.publish import publish
from exposure.commands.quarantine import quarantine
from exposure.commands.query import query
from exposure.commands.replay import replay
from exposure.commands.sample import sample
from exposure.commands.status import status

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Events on Pub/Sub in, rows over HTTP out.",
)
app.add_typer(contract, name="contract")
app.add_typer(keys, name="keys")
app.add_typer(quarantine, name="quarantine")
app.command("local", epilog="Example: exposure local --data-dir /tmp/exposure --api-port 9090")(local)
app.command("ingest", epilog="Example: EXPOSURE_PROJECT=my-project exposure ingest --pull")(ingest)
app.command("sample", epilog="Example: exposure sample orders --rows 1000 --seed 7 > orders.ndjson")(sample)
app.command("publish", epilog="Example: exposure sample orders | exposure publish orders")(publish)
app.command("query", epilog="Example: exposure query orders total.gte=50 --order -total --page-size 5")(query)

app.command("canary", epilog="Example: exposure canary --every 60s --rounds 10 --json")(canary)
app.command(
    "compact", epilog="Example: exposure compact orders --project my-project --location EU --dry-run"
)(compact)
app.command("replay", epilog="Example: exposure replay orders --reason WRONG_TYPE --dry-run")(replay)

app.command("status", epilog="Example: exposure status --api http://127.0.0.1:9090 --json")(status)


def main() -> None:
    """Run the command line."""
    app(prog_name="exposure")


if __name__ == "__main__":
    main()
