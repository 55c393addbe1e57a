"""The gates of one run: each opens with the first request to its origin, and closes with the run."""

from pandas_async_io._io.gate.gate import Gate
from pandas_async_io._io.gate.origins import OriginGates
from tests.io.gate.virtual_clock import run_on_virtual_clock


def test_urls_of_one_origin_share_a_gate():
    gates = OriginGates(lambda origin: Gate(), 4, adaptive=False)
    gate = gates.gate_for("https://a.example/1?x=1")
    assert gates.gate_for("https://a.example/2") is gate
    assert gates.gate_for("https://b.example/1") is not gate
    assert gates.gate_for("http://a.example/1") is not gate


def test_a_gate_is_open_from_its_first_request_to_the_end_of_the_run():
    async def main():
        gate = Gate()
        with OriginGates(lambda origin: gate, 4, adaptive=False) as gates:
            before = gate.slots.calls
            gates.expect(gate, 3)
            gates.settle(gate)
            during = gate.slots.calls, gate.slots.limit, gates.outstanding
        return before, during, gate.slots.calls

    assert run_on_virtual_clock(main()) == (0, (1, 4, 2), 0)
