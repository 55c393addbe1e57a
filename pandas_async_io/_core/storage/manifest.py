"""The manifest of a folder of parts: what it says, which parts are good, and whether a call may go on with them.

Invariant: a line is written after its part, and stands for all rows before its ``next``. A line that is torn, and each
line whose part is missing or damaged, ends the manifest: what follows is fetched again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pandas_async_io._core.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MANIFEST_VERSION = 1

CREDENTIALS = "credentials"
"""The field of a job that says whose requests it sends; without it, any credentials go on."""


@dataclass(frozen=True, slots=True)
class PagePoint:
    """The next page of a row whose first pages are in parts.

    Attributes
    ----------
    number : int
        Of the page.
    url, method : str
        Its request, without credentials.
    body : mapping, str or None
        Fields of the JSON body that differ from those of the row's first request, or the whole body; None: the same.
    credentials : sequence of str
        Query parameters that the URL lacks: the row's first request has them.
    records : int
        The row's records so far.
    record_path : sequence, optional
        Where the records of a page are.
    columns : sequence of str
        The columns of the first page, if it is a table.
    paginator : mapping, optional
        What ``pages="auto"`` found: the type's name and its fields.
    """

    number: int
    url: str
    method: str = "GET"
    body: Mapping[str, Any] | str | None = None
    credentials: Sequence[str] = ()
    records: int = 0
    record_path: Sequence[Any] | None = None
    columns: Sequence[str] = ()
    paginator: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a call goes on: at a row, and inside of it at a page."""

    row: int = 0
    page: PagePoint | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the manifest.

    Attributes
    ----------
    part : str or None
        The file's name; None if no rows came since the last part.
    rows, bytes : int
        Rows and bytes of the file.
    sha256 : str
        Of the file.
    first, last : int
        The first and the last input row of which it has records.
    next : ResumePoint
        What follows it.
    done : bool
        Whether nothing follows.
    """

    part: str | None
    rows: int
    bytes: int = 0
    sha256: str = ""
    first: int = 0
    last: int = 0
    next: ResumePoint = field(default_factory=ResumePoint)
    done: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """A job and its parts.

    Attributes
    ----------
    job : mapping of str to object
        What makes the job the same: the template, the requests, paging, the schema and others.
    parts : list of Part
        In order.
    columns : mapping of str to mapping
        As `FirstColumns.to_json` writes them; empty before the first part.
    """

    job: Mapping[str, Any]
    parts: list[Part] = field(default_factory=list)
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def next(self) -> ResumePoint:
        """Where the job goes on."""
        return self.parts[-1].next if self.parts else ResumePoint()

    @property
    def done(self) -> bool:
        """Whether the job is complete."""
        return bool(self.parts) and self.parts[-1].done

    def cut(self, parts: int) -> Manifest:
        """Return the manifest with the first parts only; without any, the columns are open again."""
        return Manifest(self.job, self.parts[:parts], self.columns if parts else {})


def format_job(job: Mapping[str, Any]) -> str:
    """Return the first line of a manifest."""
    return _dump({"manifest": MANIFEST_VERSION, "job": job})


def format_part(part: Part, columns: Mapping[str, Any]) -> str:
    """Return the line of a part.

    Examples
    --------
    >>> line = format_part(Part("part-00000.parquet", 2, next=ResumePoint(1)), {})
    >>> parse_manifest(format_job({}) + line).parts[0].next
    ResumePoint(row=1, page=None)
    """
    return _dump({**asdict(part), "columns": columns})


def parse_manifest(text: str) -> Manifest:
    """Return what a manifest says, up to the first line that is torn or unreadable.

    Raises
    ------
    PlanError
        The first line is no manifest's, or that of another version.

    Examples
    --------
    >>> parse_manifest(format_job({"template": "/a"}) + '{"part": "part-0').parts
    []
    """
    first, *lines = text.split("\n")
    head = _load(first)
    if head is None or not isinstance(head.get("job"), dict):
        raise PlanError("its _manifest.jsonl is unreadable: move the folder away, or name another one")
    if head.get("manifest") != MANIFEST_VERSION:
        raise PlanError(
            f"its _manifest.jsonl has version {head.get('manifest')!r}, and this one writes {MANIFEST_VERSION}: name "
            "another folder"
        )
    manifest = Manifest(head["job"])
    columns: Mapping[str, Any] = {}
    for line in lines[:-1]:  # the last one has no line break, so it is empty or torn
        loaded = _load(line)
        if loaded is None or manifest.done:
            break
        try:
            columns = loaded.pop("columns") or columns
            after = loaded.pop("next")
            page = after["page"] and PagePoint(**after["page"])
            manifest.parts.append(Part(**loaded, next=ResumePoint(after["row"], page)))
        except (KeyError, TypeError):
            break
    return Manifest(manifest.job, manifest.parts, columns)


def describe_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return which parts of a job changed, in words; "" if it is the same.

    Examples
    --------
    >>> describe_changes({"template": "/a", "schema": None}, {"template": "/b", "schema": None})
    "template was '/a', and is '/b'"
    """
    names = dict.fromkeys([*before, *(name for name in now if name != CREDENTIALS)])
    changed = [name for name in names if before.get(name) != now.get(name)]
    if changed == [CREDENTIALS]:
        how = f"remove {CREDENTIALS!r} from the first line of _manifest.jsonl"
        return f"its credentials are others. If they are of the same account, {how}"
    return "; ".join(f"{name} was {before.get(name)!r}, and is {now.get(name)!r}" for name in changed)


def _dump(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str) + "\n"


def _load(line: str) -> dict[str, Any] | None:
    try:
        loaded = json.loads(line)
    except ValueError:
        return None
    return loaded if isinstance(loaded, dict) else None
