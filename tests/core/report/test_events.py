"""Events: what happens in a run, as values."""

import pandas_async_io as paio


def test_every_class_of_event_is_public():
    assert {kind.__name__ for kind in paio.events.EVENT_TYPES} == {
        "Started",
        "Sent",
        "Received",
        "RetryScheduled",
        "Paused",
        "PageFound",
        "RowFinished",
        "Finished",
    }
