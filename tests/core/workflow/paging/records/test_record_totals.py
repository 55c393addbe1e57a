"""Record totals: what the announced total says against the records that came."""

import pytest

from pandas_async_io._core.models import Page, Request, Response
from pandas_async_io._core.workflow.paging.records.record_totals import RecordTotals


def compare(totals, *, length=10, is_complete=True):
    """Return the findings of pages of `length` records, each of which announces its total."""
    compared = RecordTotals()
    for number, total in enumerate(totals, 1):
        payload = {"data": [{}] * length} | ({} if total is None else {"total": total})
        page = Page(Request("http://e.com/"), Response(200, {}, b"", ""), payload)
        compared.add(number, page, length, record_path=("data",))
    return compared.findings(records=length * len(totals), pages=len(totals), is_complete=is_complete)


@pytest.mark.parametrize(
    ("totals", "finding"),
    [
        ([20, 20], None),
        ([None, None], None),
        ([25, 25], "the API says 25 records, 20 came"),
        ([25, None], "the API says 25 records, 20 came"),
        ([25, 26], "the API's total moved from 25 to 26: records may be missing or come twice"),
        ([10, 10], None),
        ([1], "the API says 1 record, 10 came"),
    ],
    ids=str,
)
def test_fault_44_45_a_total_that_differs_from_the_records_is_a_finding(totals, finding):
    """A "total" that equals the length of each page counts the page."""
    assert compare(totals) == ([] if finding is None else [finding])


def test_an_incomplete_chain_has_no_finding_of_missing_records():
    assert compare([25, 25], is_complete=False) == []
    assert compare([25, 26], is_complete=False) != []
