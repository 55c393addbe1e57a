"""Whether a payload holds itself: only a user's function can build one, and flattening it would never end."""

from __future__ import annotations

from typing import Any


def holds_itself(payload: Any) -> bool:
    """Return whether a dict or list is among its own values, at any depth.

    Examples
    --------
    >>> shared = [1]
    >>> holds_itself({"a": shared, "b": [shared]})
    False
    >>> shared.append({"a": shared})
    >>> holds_itself({"a": shared})
    True
    """
    if not isinstance(payload, dict | list | tuple):
        return False
    ancestors: set[int] = set()
    finished: set[int] = set()
    stack: list[tuple[Any, bool]] = [(payload, False)]
    while stack:
        container, is_left = stack.pop()
        number = id(container)
        if is_left:
            ancestors.discard(number)
            finished.add(number)
        elif number in ancestors:
            return True
        elif number not in finished:
            values = container.values() if isinstance(container, dict) else container
            inner = [(value, False) for value in values if isinstance(value, dict | list | tuple)]
            if inner:
                ancestors.add(number)
                stack.append((container, True))
                stack.extend(inner)
    return False
