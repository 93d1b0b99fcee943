"""The program: its commands, and how an error leaves it."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from crmreport.cli import (
    check,
    deliver,
    demo,
    diff,
    forget,
    index,
    init,
    lab,
    listing,
    plan_test,
    run,
    schedule,
    verify,
)
from crmreport.cli.output import fault, note, say, say_json
from crmreport.errors import CrmReportError, StoppedError

_STOPPED = 130
_USAGE = 2

app = typer.Typer(
    name="crmreport",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command()(init.init)
app.command()(check.check)
app.command()(run.run)
app.command("plan-test")(plan_test.plan_test)
app.command()(deliver.deliver)
app.command()(verify.verify)
app.command()(diff.diff)
app.command()(forget.forget)
app.command("list")(listing.list_)
app.command()(index.index)
app.command()(schedule.schedule)
app.command()(lab.lab)
app.command()(demo.demo)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(version("crmreport"))
        raise typer.Exit


@app.callback()
def _program(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Board-ready CRM reports from a client's own files.

    \b
    Example:
      crmreport init shop
      crmreport check --client shop
      crmreport run --client shop --period 2026-10
      crmreport deliver --client shop --period 2026-10

    \b
    Exit codes:
      0  done
      1  unexpected fault of this program (CRMREPORT_TRACEBACK=1 shows where)
      2  the command, the client file or a chapter's parameters are not usable
      3  the client's data cannot be read, or too much of it had to be set aside
      4  a chapter failed, a limit was hit, or the report could not be published
      130  stopped with Ctrl-C
    """


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Words after the program's name; those of the process when not given.

    Returns:
        The exit code.
    """
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = app(args=words, standalone_mode=False) or 0
        # Typer makes Ctrl-C an exit code, without a word.
        return _leave(_STOPPED, "Stopped", "stopped", words) if code == _STOPPED else code
    except StoppedError as error:
        return _leave(_STOPPED, "Stopped", str(error), words)
    except CrmReportError as error:
        return _leave(error.exit_code, type(error).__name__, str(error), words)
    except typer.TyperException as error:
        return _leave(_USAGE, "UsageError", f"{error.format_message()} (crmreport --help)", words)
    except (KeyboardInterrupt, typer.Abort):
        return _leave(_STOPPED, "Stopped", "stopped", words)
    except BrokenPipeError:
        # Whoever read us (head, less) has left; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _leave(CrmReportError.exit_code, "Unexpected", fault(error), words)


def _leave(code: int, kind: str, message: str, words: list[str]) -> int:
    if "--json" in words:
        say_json({"error": {"kind": kind, "message": message, "exit_code": code}})
    for line in message.splitlines():
        note(f"error: {line}" if kind != "Stopped" else line)
    return code
