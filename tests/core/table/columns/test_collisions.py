"""Collisions: a new column never takes the name of another."""

import pandas as pd
import pytest

from pandas_async_io._core.table.columns.collisions import resolve_collisions, unused_name


@pytest.mark.parametrize(
    ("taken", "expected"),
    [(set(), "id_api"), ({"id_api"}, "id_api2"), ({"id_api", "id_api2", "id_api4"}, "id_api3")],
)
def test_a_suffix_is_numbered_until_the_name_is_free(taken, expected):
    assert unused_name("id", "_api", taken) == expected


@pytest.mark.parametrize(
    ("old", "names", "expected"),
    [
        (["id"], ["id", "name"], ["id_api", "name"]),
        (["id", "id_api"], ["id"], ["id_api2"]),
        (["id"], ["id", "id_api"], ["id_api2", "id_api"]),
        (["id", "id"], ["id"], ["id_api"]),
        ([1, ("id",)], ["id"], ["id"]),
        ([], ["id"], ["id"]),
    ],
    ids=str,
)
def test_only_names_that_are_taken_change(old, names, expected):
    """A suffixed name avoids the other new names, too."""
    assert resolve_collisions(pd.Index(old, dtype=object, tupleize_cols=False), names, "_api").tolist() == expected


def test_a_label_of_a_multiindex_is_taken_only_if_its_other_levels_are_empty():
    old = pd.MultiIndex.from_tuples([("id", "x"), ("name", "")], names=["a", "b"])
    labels = resolve_collisions(old, ["id", "name"], "_api")
    assert labels.tolist() == [("id", ""), ("name_api", "")]
    assert labels.names == ["a", "b"]
