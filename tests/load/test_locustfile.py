"""What can be said of Locust's users without Locust, which has an environment of its own."""

from __future__ import annotations

import ast
from pathlib import Path

from load.__main__ import USERS
from load.open_model import PROFILES

TREE = ast.parse((Path(__file__).parent / "locustfile.py").read_text())


def test_every_profile_names_users_that_exist() -> None:
    classes = {node.name for node in TREE.body if isinstance(node, ast.ClassDef)}
    assert {name for names in USERS.values() for name in names} == classes
    assert USERS.keys() == PROFILES.keys()


def test_users_need_nothing_that_locusts_environment_lacks() -> None:
    roots = {
        node.module.partition(".")[0]
        for node in ast.walk(TREE)
        if isinstance(node, ast.ImportFrom) and node.module
    }
    third_parties = roots - {"__future__", "collections", "datetime", "typing", "exposure", "load"}
    assert third_parties == {"google", "locust"}
