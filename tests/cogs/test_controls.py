"""Every control that is shown has somebody who answers it, and nobody waits for one that is never shown."""

import ast
from pathlib import Path

from tests.stage import open_stage

ROOT = Path(__file__).resolve().parents[2]
MAKERS = {"button": 2, "menu": 3, "Form": 2}
"""Functions that make a control, and where in their arguments the verb stands; noun and number come before it."""


def _shown() -> set[tuple[str, str]]:
    found = set()
    for path in ROOT.glob("cogs/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in MAKERS:
                continue
            verb = MAKERS[node.func.id]  # type: ignore[attr-defined]
            if len(node.args) > verb and isinstance(node.args[verb], ast.Constant):
                noun, name = node.args[verb - 2], node.args[verb]
                if isinstance(noun, ast.Constant):
                    found.add((str(noun.value), str(name.value)))  # type: ignore[attr-defined]
    return found


async def test_every_control_has_its_handler_and_every_handler_its_control(tmp_path: Path) -> None:
    """A verb that is shown and unknown would answer "too old" to somebody who was quick."""
    async with open_stage(tmp_path, working=False) as stage:
        assert len(_shown()) > 25
        assert _shown() == set(stage.client.controls)
