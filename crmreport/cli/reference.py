"""docs/cli.md, written from the commands' own help so that the two cannot differ."""

from __future__ import annotations

from typer.testing import CliRunner

from crmreport.cli.main import app

_HEAD = """\
# Commands

Written by `make docs` from each command's `--help`; a test keeps it so.
Shell completion: `crmreport --install-completion`.
"""


def reference() -> str:
    """The page, as Markdown."""
    names = [c.name or getattr(c.callback, "__name__", "") for c in app.registered_commands]
    parts = [_HEAD, _section("crmreport", [])]
    parts += [_section(f"crmreport {name}", [name]) for name in names]
    return "\n".join(parts)


def _section(title: str, words: list[str]) -> str:
    text = CliRunner().invoke(app, [*words, "--help"], prog_name="crmreport", env={"COLUMNS": "100"}).output
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"## {title}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    print(reference(), end="")
