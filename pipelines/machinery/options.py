"""Settings as command-line options: a field of a dataclass, its docstring, its default from the recipe."""

import argparse
import ast
import inspect
import textwrap
from collections.abc import Callable, Collection
from dataclasses import fields, replace
from types import UnionType
from typing import Any, TypeVar, get_args

T = TypeVar("T")


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Help with the defaults that there are."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        shown = action.default not in (None, []) and action.default is not False
        return super()._get_help_string(action) if shown else action.help


def add_fields(
    parser: argparse.ArgumentParser,
    settings: type,
    title: str,
    defaults: object | None = None,
    but: Collection[str] = (),
) -> None:
    """One option for each field of the dataclass ``settings`` ``but`` some, its docstring as help.

    Without an option the value of :func:`with_options` holds: a recipe's, or of the ``defaults`` shown here.
    """
    group, docs = parser.add_argument_group(title), docs_of(settings)
    for field in fields(settings):
        if field.name in but:
            continue
        words = docs.get(field.name, "").replace("``", "").replace("\n", " ").replace("%", "%%")
        words += f" (default: {getattr(defaults, field.name)})" if defaults else ""
        option = f"--{field.name.replace('_', '-')}"
        more: dict[str, Any] = {"default": argparse.SUPPRESS, "help": words}
        if field.type is bool:
            group.add_argument(option, action=argparse.BooleanOptionalAction, **more)
        else:
            group.add_argument(option, type=value_type(field.type), metavar=field.name.upper(), **more)


def value_type(annotation: Any) -> Callable[[str], Any]:  # noqa: ANN401
    """What turns a text into a value of a field annotated so; ``none`` is None where the field may be."""
    if not isinstance(annotation, UnionType):
        return annotation
    kind = get_args(annotation)[0]
    return lambda text: None if text == "none" else kind(text)


def with_options(settings: T, args: argparse.Namespace) -> T:
    """``settings`` with the fields that were given on the command line."""
    given = vars(args)
    names = [field.name for field in fields(settings)]  # type: ignore[arg-type]
    return replace(settings, **{name: given[name] for name in names if name in given})  # type: ignore[type-var]


def docs_of(settings: type) -> dict[str, str]:
    """The docstring that follows each field of a dataclass."""
    body = ast.parse(textwrap.dedent(inspect.getsource(settings))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, doc in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(doc, ast.Expr)
        ):
            assert isinstance(doc.value, ast.Constant)
            found[field.target.id] = " ".join(str(doc.value.value).split())
    return found
