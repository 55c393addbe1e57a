"""Secrets that are read from the environment each time they are sent."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.words import show_value


@dataclass(frozen=True, slots=True, repr=False)
class EnvironmentText:
    """The name of an environment variable; its text is read when it is sent.

    Attributes
    ----------
    name : str
        Name of the variable.
    """

    name: str

    def __repr__(self) -> str:
        return f"env({self.name!r})"

    def read(self) -> str:
        """Return the text that the variable has now.

        Raises
        ------
        PlanError
            The variable is not set, or is empty.
        """
        text = os.environ.get(self.name)
        if not text:
            raise PlanError(f"env({self.name!r}): the environment variable is not set in this process, or is empty")
        return text


def env(name: str) -> EnvironmentText:
    """Name an environment variable that holds a secret.

    It is read for each call in the process that sends, so that neither a repr nor a pickle holds the secret.

    Parameters
    ----------
    name : str
        Name of the variable. It may be set later.

    Raises
    ------
    PlanError
        The name is no name of an environment variable.

    Examples
    --------
    >>> from pandas_async_io import Client
    >>> Client("https://api.example.com", auth=env("API_TOKEN"))
    Client('https://api.example.com')
    >>> env("API_TOKEN")
    env('API_TOKEN')
    """
    if not isinstance(name, str) or not name or "=" in name or "\0" in name:
        raise PlanError(f"env({show_value(name)}): give the name of an environment variable, as env('API_TOKEN')")
    return EnvironmentText(name)
