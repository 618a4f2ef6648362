"""One address may ask often, not endlessly."""

from executor_fakes import IntakeWorld
from ibgateway_executor.intake.rate_limit import RateLimit


def test_a_bucket_is_emptied_by_requests_and_filled_by_time() -> None:
    limit = RateLimit(rate=2, burst=3)
    assert [limit.take("a", 10.0) for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    assert [limit.take("a", 10.5) for _ in range(2)] == [0, 0.5]
    assert [limit.take("a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_each_address_has_a_bucket_of_its_own_and_the_oldest_is_forgotten() -> None:
    limit = RateLimit(rate=1, burst=1, addresses=2)
    assert (limit.take("a", 0.0), limit.take("b", 0.0)) == (0, 0)
    assert (limit.take("a", 0.0), limit.take("c", 0.0)) == (1, 0)
    assert limit.take("b", 0.0) == 0


def test_a_client_is_told_how_long_to_wait() -> None:
    assert RateLimit(rate=10, burst=300).headers(1.2) == {
        "Retry-After": "2",
        "RateLimit-Policy": '"address";q=300;w=30',
        "RateLimit": '"address";r=0;t=2',
    }


async def test_who_asks_too_often_is_answered_429_and_may_go_on_after_a_moment(
    intake: IntakeWorld,
) -> None:
    limit: RateLimit = intake.app.state.services.rate_limit
    while not limit.take("127.0.0.1", intake.time.seconds):
        pass
    refused = await intake.place()
    assert (refused.status_code, refused.json()["code"]) == (429, "TooManyRequests")
    assert (refused.headers["Retry-After"], refused.headers["RateLimit"]) == (
        "1",
        '"address";r=0;t=1',
    )
    assert intake.changed.count == 0
    intake.time.advance(1)
    assert (await intake.place()).status_code == 202
