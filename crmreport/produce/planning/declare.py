"""Chapter declarations: what a chapter needs, finds and may be told; checked before a kernel starts."""

from __future__ import annotations

import ast
import difflib
import json
import keyword
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from crmreport.config import Language
from crmreport.errors import ConfigError
from crmreport.workspace import slug

Scalar = str | int | float | bool
"""What is sent to a kernel: JSON scalars and nothing else."""

IMPLICIT = ("client", "period", "lang")
"""Parameters every chapter takes without declaring them."""

_PYTHON: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (int, float),
    "str": str,
    "bool": bool,
    "date": str,
}


StrictScalar = StrictBool | StrictInt | StrictFloat | StrictStr


def _day_as_text(value: object) -> object:
    # YAML reads an unquoted 2026-10-31 as a date; a kernel is sent text.
    return value.isoformat() if type(value) is date else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(_Strict):
    """One knob of a chapter: its type, default, bounds and meaning."""

    type: Literal["int", "float", "str", "bool", "date"]
    default: Annotated[StrictScalar, BeforeValidator(_day_as_text)]
    minimum: float | None = None
    maximum: float | None = None
    choices: list[StrictScalar] | None = None
    max_length: Annotated[int, Field(ge=1)] = 200
    description: dict[Language, str]


class Declaration(_Strict):
    """What ``notebooks/<chapter>.yml`` says about the notebook beside it."""

    chapter: str
    title: dict[Language, str]
    needs: list[str] = ["order_lines"]
    optional: list[str] = []
    findings: list[str] = []
    parameters: dict[str, Parameter] = {}


@dataclass(frozen=True, slots=True)
class Chapter:
    """A declaration, the notebook it belongs to, and the bytes of both."""

    declaration: Declaration
    notebook: Path
    file: Path

    @property
    def name(self) -> str:
        """The chapter's slug."""
        return self.declaration.chapter


def load_chapter(notebooks: Path, chapter: str) -> Chapter:
    """Read and check one chapter's declaration and notebook.

    Raises:
        ConfigError: No such chapter, an unusable declaration, or a notebook that does not match it.
    """
    slug(chapter, "chapter")
    file, notebook = notebooks / f"{chapter}.yml", notebooks / f"{chapter}.ipynb"
    if not notebook.is_file() or not file.is_file():
        known = sorted(p.stem for p in notebooks.glob("*.ipynb") if p.with_suffix(".yml").is_file())
        raise ConfigError(
            f"chapter {chapter!r} has no {'notebook' if file.is_file() else 'declaration'} in {notebooks}; "
            f"{_did_you_mean(chapter, known)}"
        )
    declaration = _read(file)
    if declaration.chapter != chapter:
        raise ConfigError(
            f"{file.name}: chapter: {declaration.chapter!r} is not the file's name; write chapter: {chapter}"
        )
    for name, parameter in declaration.parameters.items():
        _check_name(name, f"{file.name}: parameters.{name}")
        check_value(name, parameter.default, parameter, where=f"{file.name}: parameters.{name}.default")
    _check_notebook(declaration, notebook)
    return Chapter(declaration, notebook, file)


def _read(file: Path) -> Declaration:
    try:
        raw = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        at = f" line {line + 1}" if line is not None else ""
        raise ConfigError(f"{file.name}{at}: not readable as YAML; fix the indentation or quoting") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{file.name}: is empty or no mapping; begin it with chapter: {file.stem}")
    try:
        return Declaration.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            names = Declaration.model_fields if len(first["loc"]) == 1 else Parameter.model_fields
            hint = _did_you_mean(str(first["loc"][-1]), list(names))
        else:
            hint = "see docs on how to add a chapter"
        found = f"{first['input']!r:.80}"
        raise ConfigError(f"{file.name}: {key}: {first['msg']}, found {found}; {hint}") from None


def resolve(
    declaration: Declaration, given: dict[str, Any], *, where: str = "client.yml"
) -> dict[str, Scalar]:
    """The full set of declared parameters: what was given, else the defaults.

    Args:
        declaration: What the chapter takes.
        given: Values by name, as written in the client file or on the command line.
        where: Named in messages.

    Raises:
        ConfigError: A name is not declared, or a value has the wrong type or lies out of bounds.

    Examples:
        >>> months = Parameter(type="int", default=12, minimum=1, maximum=60, description={})
        >>> decile = Declaration(chapter="decile", title={}, parameters={"window_months": months})
        >>> resolve(decile, {})
        {'window_months': 12}
        >>> resolve(decile, {"window_month": 6})
        Traceback (most recent call last):
            ...
        crmreport.errors.ConfigError: client.yml: decile.window_month: no such parameter; did you mean \
window_months?
    """
    for name in given:
        key = f"{where}: {declaration.chapter}.{name}"
        if not isinstance(name, str):
            raise ConfigError(f"{key}: a parameter's name must be text, found {_kind(name)}; quote it")
        if name in IMPLICIT:
            raise ConfigError(f"{key}: is set by the run itself; take it out")
        if name not in declaration.parameters:
            raise ConfigError(
                f"{key}: no such parameter; {_did_you_mean(name, list(declaration.parameters))}"
            )
    values: dict[str, Scalar] = {}
    for name, parameter in declaration.parameters.items():
        value = given.get(name, parameter.default)
        values[name] = check_value(name, value, parameter, where=f"{where}: {declaration.chapter}.{name}")
    return values


def check_value(name: str, value: Any, parameter: Parameter, *, where: str) -> Scalar:
    """Return ``value`` as the JSON scalar to send, or refuse it.

    Raises:
        ConfigError: Not of the declared type, out of bounds, or not safe to send.
    """
    if parameter.type == "date" and type(value) is date:
        value = value.isoformat()
    expected = _PYTHON[parameter.type]
    if not isinstance(value, expected) or (isinstance(value, bool) and parameter.type != "bool"):
        raise ConfigError(
            f"{where}: {value!r:.80} is {_kind(value)}, not {parameter.type}; "
            f"write for example {json.dumps(parameter.default, ensure_ascii=False)}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where}: {value!r} is no finite number; write a number")
    if isinstance(value, str):
        if len(value) > parameter.max_length:
            raise ConfigError(f"{where}: {len(value)} characters, at most {parameter.max_length}; shorten it")
        if bad := next((c for c in value if ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF), None):
            raise ConfigError(f"{where}: contains the control character {bad!r}; take it out")
    if parameter.type == "date":
        try:
            date.fromisoformat(str(value))
        except ValueError:
            raise ConfigError(f"{where}: {value!r} is no date; write it as 2026-10-31") from None
    if parameter.choices is not None and value not in parameter.choices:
        choices = ", ".join(map(str, parameter.choices))
        raise ConfigError(f"{where}: {value!r} is not one of {choices}; choose one of them")
    if not isinstance(value, (str, bool)):
        if parameter.minimum is not None and value < parameter.minimum:
            raise ConfigError(f"{where}: {value} is below {parameter.minimum:g}; use {_bounds(parameter)}")
        if parameter.maximum is not None and value > parameter.maximum:
            raise ConfigError(f"{where}: {value} is above {parameter.maximum:g}; use {_bounds(parameter)}")
    return value


def _check_notebook(declaration: Declaration, notebook: Path) -> None:
    """One cell tagged ``parameters``, plain assignments of literals, the declared names and defaults."""
    tagged = [source for tags, source in _code_cells(notebook) if "parameters" in tags]
    if len(tagged) != 1:
        raise ConfigError(
            f"{notebook.name}: {len(tagged)} cells are tagged 'parameters', exactly one is needed; "
            "set the tag in JupyterLab's property inspector"
        )
    found = _literals(tagged[0], notebook.name)
    expected = {name: p.default for name, p in declaration.parameters.items()}
    for name in found:
        if name not in expected and name not in IMPLICIT:
            raise ConfigError(
                f"{notebook.name}: parameter {name!r} is not declared in {notebook.stem}.yml; "
                f"{_did_you_mean(name, [n for n in expected if n not in found])}"
            )
    for name in (*IMPLICIT, *expected):
        if name not in found:
            raise ConfigError(
                f"{notebook.name}: the cell tagged 'parameters' does not set {name!r}; add {name} = …"
            )
        if name in expected and found[name] != expected[name]:
            raise ConfigError(
                f"{notebook.name}: {name} = {found[name]!r} but {notebook.stem}.yml says {expected[name]!r}; "
                f"set it for a client under reports.<report>.parameters.{notebook.stem} in client.yml, "
                f"or change the default in {notebook.stem}.yml too"
            )


def _code_cells(notebook: Path) -> list[tuple[list[str], str]]:
    """Tags and source of every code cell."""
    try:
        content = json.loads(notebook.read_text(encoding="utf-8"))
        if content["nbformat"] != 4:
            # Not imported otherwise: with JupyterLab beside it, it takes longer than all the planning.
            import nbformat

            content = nbformat.read(notebook, as_version=4)
        return [
            (list(c["metadata"].get("tags", [])), "".join(c["source"]))
            for c in content["cells"]
            if c["cell_type"] == "code"
        ]
    except Exception as error:  # json's errors, nbformat's, jsonschema's, and whatever a broken file gives
        raise ConfigError(
            f"{notebook.name}: no readable notebook ({type(error).__name__}); save it again in JupyterLab"
        ) from None


def _literals(source: str, file: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise ConfigError(
            f"{file}: the cell tagged 'parameters', line {error.lineno}: no Python; fix it"
        ) from None
    for line in body:
        target = line.targets[0] if isinstance(line, ast.Assign) and len(line.targets) == 1 else None
        try:
            if not isinstance(target, ast.Name) or not isinstance(line, ast.Assign):
                raise ValueError
            found[target.id] = ast.literal_eval(line.value)
        except ValueError:
            raise ConfigError(
                f"{file}: the cell tagged 'parameters', line {line.lineno}: only name = value is allowed; "
                "move anything else to the next cell"
            ) from None
    return found


def _check_name(name: str, where: str) -> None:
    if not name.isascii() or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise ConfigError(f"{where}: {name!r} is no safe name; use letters, digits and _")
    if name in IMPLICIT:
        raise ConfigError(f"{where}: {name!r} is there without being declared; take it out")


def _did_you_mean(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return f"there is {', '.join(known)}" if known else "there is none to choose from"


def _kind(value: object) -> str:
    names = {"str": "text", "NoneType": "empty", "list": "a list", "dict": "a mapping"}
    return names.get(type(value).__name__, type(value).__name__)


def _bounds(parameter: Parameter) -> str:
    low = f"{parameter.minimum:g}" if parameter.minimum is not None else "…"
    high = f"{parameter.maximum:g}" if parameter.maximum is not None else "…"
    return f"{low} to {high}"
