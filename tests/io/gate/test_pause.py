"""The pause of an origin: the longest holds, and only the server's counts against `max_wait`."""

from pandas_async_io._io.gate.pause import Pause


def test_the_longest_of_several_pauses_holds():
    pause = Pause()
    pause.extend(10.0)
    pause.extend(5.0)
    assert (pause.until, pause.remaining(4.0), pause.remaining(12.0)) == (10.0, 6.0, 0.0)


def test_only_a_pause_that_the_server_asks_for_exceeds_max_wait():
    pause = Pause()
    pause.extend(100.0, by_server=False)
    assert not pause.exceeds(1.0, now=0.0)
    pause.extend(50.0)
    assert pause.exceeds(49.0, now=0.0)
    assert not pause.exceeds(51.0, now=0.0)
