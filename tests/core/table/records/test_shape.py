"""The options that say where records are and how their fields are named."""

from __future__ import annotations

import pytest

from pandas_async_io._core.errors import PlanError
from pandas_async_io._core.table.records.shape import compile_shape


@pytest.mark.parametrize(
    "options",
    [
        {"sep": None},
        {"max_level": -1},
        {"max_level": True},
        {"record_path": ""},
        {"record_path": []},
        {"record_path": [1.5]},
        {"record_path": 1},
        {"record_path": ["a", None]},
        {"meta": [[]]},
        {"meta": ["a", "a"]},
        {"columns": "a"},
        {"columns": ["a", "a"]},
        {"columns": {"a": "x", "b": "x"}},
        {"columns": [1]},
        {"orient": "table"},
        {"names": ["a"]},
        {"names": ["a"], "orient": "records"},
        {"names": 0, "orient": "index"},
        {"names": -1, "orient": "values"},
        {"names": True, "orient": "values"},
        {"names": [], "orient": "values"},
        {"names": ["a", "a"], "orient": "values"},
        {"names": {"a"}, "orient": "values"},
        {"names": ["a", 1], "orient": "values"},
        {"names": "", "orient": "index"},
        {"names": "columns", "orient": "split"},
        {"names": ["a", "b"], "orient": "columns"},
    ],
)
def test_an_invalid_option_raises_a_plan_error(options):
    """The message names the option."""
    with pytest.raises(PlanError, match=next(iter(options))):
        compile_shape(**options)
