"""What a call took from its store and kept in it, in words."""

from __future__ import annotations

from dataclasses import dataclass, field

from pandas_async_io._core.words import format_count


@dataclass(slots=True)
class StoreUsage:
    """Counts of one call.

    Attributes
    ----------
    name : str
        The store's, for messages.
    taken, kept : int
        Answers; those that were validated count as neither.
    no_store : int
        Kept answers although ``Cache-Control`` says ``no-store``.
    validated : int
        Stale answers that the server said still hold (304).
    stale : int
        Stale answers that were taken because the server failed.
    refused : int
        Answers that RFC 9111 says not to keep.
    damaged : int
        Kept answers that could not be read.
    varying : set of str
        Header fields, ignored or not compared, on which answers depend: these are not kept.
    read_error : str
        Why the file could not be read.

    Examples
    --------
    >>> StoreUsage("store='a'", taken=1, kept=2, no_store=2).describe()
    ["store='a': 1 answer taken, 2 kept, 2 of them although Cache-Control says no-store"]
    """

    name: str
    taken: int = 0
    kept: int = 0
    no_store: int = 0
    validated: int = 0
    stale: int = 0
    refused: int = 0
    damaged: int = 0
    varying: set[str] = field(default_factory=set)
    read_error: str = ""

    def describe(self) -> list[str]:
        """Return what was taken and kept, for the report."""
        if not (self.taken or self.kept or self.validated or self.refused):
            return []
        text = f"{self.name}: {format_count(self.taken, 'answer')} taken, {self.kept} kept"
        if self.no_store:
            text += f", {self.no_store} of them although Cache-Control says no-store"
        if self.validated:
            text += f", {self.validated} still valid (304)"
        if self.refused:
            text += f", {self.refused} that the server says not to keep"
        return [text]

    def describe_problems(self, write_failure: Exception | None) -> list[str]:
        """Return what the user must know: answers that could not be read or kept, and stale ones."""
        name, problems = self.name, []
        if write_failure is not None:
            problems.append(f"{name}: answers are not kept since the file could not be written: {write_failure}")
        if self.read_error:
            problems.append(f"{name} could not be read, so that requests were sent again: {self.read_error}")
        if self.damaged:
            problems.append(f"{name}: {format_count(self.damaged, 'kept answer')} damaged, and requested again")
        if self.varying:
            names = ", ".join(sorted(self.varying))
            problems.append(
                f"{name}: answers that depend on {names} are not kept: the server's Vary names it, and the store does "
                "not compare it"
            )
        if self.stale:
            problems.append(
                f"{name}: {format_count(self.stale, 'stale answer')} taken because the server failed; it allows that "
                "with stale-if-error. `.aio.outcomes` names them in error"
            )
        return problems
