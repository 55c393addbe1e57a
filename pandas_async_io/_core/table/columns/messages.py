"""Texts in place of tables: one field and no row, where other answers have columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandas_async_io._core.body.parse_errors import message_error
from pandas_async_io._core.security.secrets import redact_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas_async_io._core.errors import ParseError
    from pandas_async_io._core.table.columns.blocks import Block


def remove_messages(blocks: Sequence[Block]) -> tuple[dict[int, ParseError], tuple[str, ...]]:
    """Remove the columns that are messages from blocks.

    Returns
    -------
    dict of int to ParseError
        The error of each block that is a message; a header alone, with a column of other answers, is none.
    tuple of str
        What to say about a sentence where no other answer shows what the columns are.
    """
    if all(block.message is None for block in blocks):
        return {}, ()
    if all(block.message is not None or not block.columns for block in blocks):
        sentence = next((block.message for block in blocks if block.message is not None and " " in block.message), None)
        shown = None if sentence is None else redact_line(sentence)
        return {}, () if shown is None else (f"an answer is one line of text, {shown!r}, and no row: is it a message?",)
    errors = {at: message_error(text) for at, text in find_messages(blocks).items()}
    for at in errors:
        blocks[at].columns.clear()
    return errors, ()


def find_messages(blocks: Sequence[Block]) -> dict[int, str]:
    """Return the text of each block that is a message: other answers have columns, and none of that name."""
    known = {name for block in blocks if block.message is None for name in block.columns}
    texts = ((at, block.message) for at, block in enumerate(blocks))
    return {at: text for at, text in texts if text is not None and known and text not in known}
