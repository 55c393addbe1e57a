"""The manifest of a folder of parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.storage.manifest import (
    PagePoint,
    Part,
    ResumePoint,
    describe_changes,
    format_job,
    format_part,
    parse_manifest,
)

PARTS = [
    Part("part-00000.parquet", 30, 100, "aa", 0, 0, ResumePoint(0, PagePoint(4, "http://e.com/?page=4", records=30))),
    Part(None, 0, next=ResumePoint(1)),
    Part("part-00001.parquet", 5, 100, "bb", 1, 2, ResumePoint(3), done=True),
]
TEXT = format_job({"template": "/a"}) + "".join(
    format_part(part, {"n": {}} if not at else {}) for at, part in enumerate(PARTS)
)


def test_a_manifest_is_read_as_it_was_written():
    manifest = parse_manifest(TEXT)
    assert [format_part(part, {}) for part in manifest.parts] == [format_part(part, {}) for part in PARTS]
    assert (manifest.job, manifest.columns, manifest.done) == ({"template": "/a"}, {"n": {}}, True)
    assert manifest.next == ResumePoint(3)


@given(st.integers(0, len(TEXT)))
def test_fault_62_wherever_it_is_cut_the_lines_before_count(size):
    cut = TEXT[:size]
    if "\n" not in cut and cut != TEXT.split("\n")[0]:
        with pytest.raises(PlanError):
            parse_manifest(cut)
    else:
        names = [part.part for part in PARTS[: max(cut.count("\n") - 1, 0)]]
        assert [part.part for part in parse_manifest(cut).parts] == names


def test_without_parts_the_columns_are_open():
    manifest = parse_manifest(TEXT)
    assert (manifest.cut(0).columns, manifest.cut(0).next) == ({}, ResumePoint())
    assert (manifest.cut(1).columns, manifest.cut(1).next.page.number) == ({"n": {}}, 4)


def test_what_changed_is_named():
    assert describe_changes({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == "b was 2, and is 3; c was None, and is 4"
