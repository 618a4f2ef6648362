"""The client stands beside the programs: of ours it takes the documents alone."""

import ast
from pathlib import Path

CLIENT = Path(__file__).parents[3] / "client"


def test_the_client_imports_nothing_of_ours_but_documents() -> None:
    files = sorted(CLIENT.rglob("*.py"))
    assert len(files) > 7
    found = {
        name
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        for name in _imported(node)
        if name.startswith("ibgateway")
    }
    allowed = {
        "ibgateway_api.document",
        "ibgateway_api.executor_documents",
        "ibgateway_api.gate_documents",
        "ibgateway_api.rebalance_documents",
    }
    assert {name for name in found if not name.startswith("ibgateway.client")} == allowed


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
