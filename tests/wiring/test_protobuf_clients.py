"""What a day can bring to clients that speak protobuf, and that the simulator's messages are IBKR's: unmodified clients, over sockets."""

import asyncio

import pytest

from ibgateway_simulator.tws.protobuf.schema import CLASSES
from library_stories import CLIENTS, environment, logged_in, told
from rust_programs import rust_program

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

SCENARIOS = {
    "clock_is_near": [True, True],
    "summary": {"NetLiquidation": "1000000.00", "SettledCash": "1000000.00"},
    "multi": "1000000.00",
    "snapshot": [189.99, 190.01, 190.0],
    "streamed": 191.0,
    "unknown_contract": 200,
    "historical": 505,
    "what_if": ["PreSubmitted", "1910.0", "1000000.0"],
    "what_if_costs": [1.0, "USD"],
    "changed": 101.0,
    "working": ["working"],
    "cancel_is": 202,
    "cancelled": "Cancelled",
    "off_tick": 110,
    "used_id": 103,
    "not_found": 10147,
    "preset": 10349,
    "preset_is": "Filled",
    "read_only": 321,
    "id_in_use": 326,
    "link": [1100, 1102],
    "after_a_drop": ["preset"],
}


async def test_ibkrs_own_client_of_today_meets_what_a_day_can_bring() -> None:
    python = await asyncio.to_thread(environment, "nautilus_ibapi")
    async with logged_in() as (_, url, port):
        story = str(CLIENTS / "nautilus_scenarios.py")
        document = await told(python, story, "127.0.0.1", str(port), url)
    assert document == SCENARIOS


@pytest.mark.timeout(1200)  # the first one builds it
async def test_rusts_client_meets_the_same_and_reconnects_by_itself() -> None:
    program = await asyncio.to_thread(rust_program, CLIENTS / "rust_ibapi")
    async with logged_in() as (_, url, port):
        document = await told(program, "127.0.0.1", str(port), url, "scenarios")
    assert document == {**SCENARIOS, "reconnected": True}


async def test_every_field_has_the_number_and_the_type_that_ibkrs_own_client_gives_it() -> None:
    python = await asyncio.to_thread(environment, "nautilus_ibapi")
    theirs = await told(python, str(CLIENTS / "nautilus_fields.py"), *CLASSES)
    ours = {
        name: {
            field.name: [field.number, field.type, field.message_type and field.message_type.name]
            for field in made.DESCRIPTOR.fields
        }
        for name, made in CLASSES.items()
    }
    assert {
        name: {field: theirs[name].get(field) for field in fields} for name, fields in ours.items()
    } == ours
