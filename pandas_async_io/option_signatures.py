"""Gives the public functions the signature and the documentation of their options.

A function decorated with `with_options` shows them in its signature, its types and its docstring: Shift-Tab in a
notebook is the manual.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import is_dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from pandas_async_io._core.option_names import check_names

P = ParamSpec("P")
F = TypeVar("F")
U = TypeVar("U")
V = TypeVar("V")
R = TypeVar("R")
WithOptions = Callable[Concatenate[F, P], R]
WithUrlAndOptions = Callable[Concatenate[F, U, P], R]


def with_options(options: Callable[P, object]) -> Callable[[Callable[Concatenate[F, ...], R]], WithOptions[F, P, R]]:
    """Give a function ``(first, **options)`` the options' signature and documentation."""

    def decorate(function: Callable[Concatenate[F, ...], R]) -> WithOptions[F, P, R]:
        decorated: WithOptions[F, P, R] = _add_options(function, options)
        return decorated

    return decorate


def with_some_options(options: Any, names: Sequence[str]) -> Callable[[F], F]:
    """Give a function ``(first, **options)`` the signature and documentation of some of the options."""

    def decorate(function: F) -> F:
        decorated: F = _add_options(function, options, names)
        return decorated

    return decorate


def with_url_and_options(
    options: Callable[P, object],
) -> Callable[[Callable[Concatenate[F, U, ...], R]], WithUrlAndOptions[F, U, P, R]]:
    """Give a method ``(self, url, **options)`` the options' signature and documentation."""

    def decorate(function: Callable[Concatenate[F, U, ...], R]) -> WithUrlAndOptions[F, U, P, R]:
        decorated: WithUrlAndOptions[F, U, P, R] = _add_options(function, options)
        return decorated

    return decorate


def with_path_and_options(
    options: Callable[P, object],
) -> Callable[[Callable[Concatenate[F, U, ...], R]], WithUrlAndOptions[F, U, P, R]]:
    """Give a function ``(url, path, **options)`` the options' signature and documentation."""
    return with_url_and_options(options)


def with_url_path_and_options(
    options: Callable[P, object],
) -> Callable[[Callable[Concatenate[F, U, V, ...], R]], Callable[Concatenate[F, U, V, P], R]]:
    """Give a method ``(self, url, path, **options)`` the options' signature and documentation."""

    def decorate(function: Callable[Concatenate[F, U, V, ...], R]) -> Callable[Concatenate[F, U, V, P], R]:
        decorated: Callable[Concatenate[F, U, V, P], R] = _add_options(function, options)
        return decorated

    return decorate


class _OptionSignature(inspect.Signature):
    """A signature whose text is one short line: `help` opens with it. Its parameters are all written out."""

    def __str__(self) -> str:
        positional = [name for name, each in self.parameters.items() if each.kind is not inspect.Parameter.KEYWORD_ONLY]
        return f"({', '.join([*positional, '**options'])})"

    def format(self, **_: Any) -> str:
        """Return the text; `pydoc` asks for it from Python 3.13 on."""
        return str(self)


def _add_options(function: Any, options: Any, names: Sequence[str] | None = None) -> Any:
    parameters = inspect.signature(options).parameters
    accepted = parameters if names is None else {name: parameters[name] for name in names}
    own = inspect.signature(function)
    first = [value for value in own.parameters.values() if value.kind is not inspect.Parameter.VAR_KEYWORD]
    signature = _OptionSignature([*first, *accepted.values()], return_annotation=own.return_annotation)

    @wraps(function)
    def decorated(*args: Any, **given: Any) -> Any:
        check_names(function.__name__, signature, args, given)
        return function(*args, **given)

    vars(decorated)["__signature__"] = signature
    decorated.__doc__ = inspect.cleandoc(function.__doc__ or "").replace(
        "{options}", _document_options(options, accepted)
    )
    return decorated


def _document_options(options: type, names: Collection[str]) -> str:
    """Return the documentation of options: that of their class, then that of its base."""
    classes = [each for each in options.__mro__ if is_dataclass(each)]
    texts = [inspect.cleandoc(each.__doc__ or "").partition("----------\n")[2] for each in classes]
    entries = [entry for text in texts for entry in re.split(r"\n(?=\w)", text)]
    return "\n".join(entry for entry in entries if not set(names).isdisjoint(entry.partition(" :")[0].split(", ")))
