"""Each line of the security checklist names a test or a rule of the policy that is really there."""

from __future__ import annotations

import ast
import re

from fakes.paper import tables
from fakes.workflow import ROOT
from stacks.policy.rules import EVERY_RULE, name_of

PAPER = ROOT / ".github" / "SECURITY.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# After the word that announces them.
RULES = re.compile(r"rules? ((?:`[a-z-]+`(?:, )?)+)")


def proofs() -> list[tuple[str, str]]:
    """Return each promise and its proof; a line in bold only begins a group."""
    lines = tables(PAPER, "What holds, and where it is proven")
    return [(promise, proof) for promise, proof in lines if not promise.startswith("**")]


def functions_of(file: str) -> set[str]:
    """Return the names of a file's functions."""
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_promise_has_a_proof_and_nothing_else_stands_there() -> None:
    assert len(proofs()) > 20
    for promise, proof in proofs():
        rest = RULES.sub("", TEST.sub("", proof))
        assert rest.strip("; ") == "", (promise, rest)
        assert TEST.search(proof) or RULES.search(proof), promise


def test_every_test_named_is_there() -> None:
    named = {match for _, proof in proofs() for match in TEST.findall(proof)}
    assert sorted(f"{file}::{name}" for file, name in named if name not in functions_of(file)) == []


def test_every_rule_named_is_one_of_the_policy() -> None:
    listed = " ".join(found for _, proof in proofs() for found in RULES.findall(proof))
    assert set(re.findall(r"`([a-z-]+)`", listed)) <= {name_of(rule) for rule in EVERY_RULE}
