"""Run: python docs/make_layout.py: writes docs/layout.md from the first line of each module's docstring."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYOUT = ROOT / "docs" / "layout.md"
_HEAD = """# Layout

Written by `python docs/make_layout.py` from the first line of each docstring. A room imports only from rooms
that stand below it in `pyproject.toml` (`[tool.importlinter]`).

```text
"""


def layout() -> str:
    """Returns the page: the annotated tree of conf/, scripts/ and src/."""
    lines = [line for folder in ("conf", "scripts", "src") for line in _tree(ROOT / folder, 0)]
    return _HEAD + "\n".join(lines) + "\n```\n"


def _tree(folder: Path, depth: int) -> Iterator[str]:
    yield _line(f"{folder.name}/", _sentence(folder / "__init__.py"), depth)
    files = sorted(file for file in folder.glob("*.py") if file.name != "__init__.py")
    yield from (_line(file.name, _sentence(file), depth + 1) for file in files)
    for below in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
        if any(below.rglob("*.py")):
            yield from _tree(below, depth + 1)
        elif options := sorted(file.stem for file in below.glob("*.yaml")):
            yield _line(f"{below.name}/", ", ".join(options), depth + 1)
    if commands := sorted(file.stem for file in folder.glob("*.yaml") if file.stem != "local"):
        yield _line("*.yaml", ", ".join(commands), depth + 1)


def _line(name: str, text: str, depth: int) -> str:
    return f"{'  ' * depth}{name:<{24 - 2 * depth}} {text}".rstrip()


def _sentence(file: Path) -> str:
    if not file.exists():
        return ""
    sentence = (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n\n")[0].split("\n")[0]
    return sentence.partition("; size=")[0] if sentence.startswith("Run: ") else sentence


if __name__ == "__main__":
    LAYOUT.write_text(layout())
