"""The files of one gateway pod, as wrapper and login driver write them, and a sentinel that looks."""

import asyncio
from datetime import timedelta
from pathlib import Path

from ibgateway_agent.errors import DriverCommandError
from ibgateway_agent.sentinel.loop import Sentinel
from ibgateway_agent.sentinel.permits.records import Records, fold
from ibgateway_agent.sentinel.settings import environment
from ibgateway_api.login import LoginState, Sign
from ibgateway_api.permits import AttemptOutcome
from ibgateway_api.reports import SentinelReport
from sentinel_fakes.time import SteppedTime

START = "IBC: Starting session: will exit if login dialog is not displayed within 60 seconds"
ATTEMPT = "IBC: Login attempt: 1"
PUSH = "IBC: Second Factor Authentication initiated"
ANSWERED = "IBC: detected dialog entitled: Second Factor Authentication; event=Closed"
DONE = "IBC: Login has completed"


async def no_driver(command: str) -> str:
    """Nobody takes commands."""
    raise DriverCommandError(command)


class FakePod:
    """Each look comes a second after the last one, so everything periodic is due.

    `env` is what the sentinel's container is told beside its paths.
    """

    def __init__(self, folder: Path, **env: str) -> None:
        self.env = env
        self.time = SteppedTime()
        self.folder = folder
        self.run, self.state = folder / "run", folder / "state"
        self.starts = self.beats = 0
        self.alive = True
        for path in (self.run, self.state):
            path.mkdir()
        self.settings('{"tradingMode": "paper"}')
        self.sentinel = self.boot()

    def boot(self) -> Sentinel:
        """The sentinel's container starts (anew)."""
        paths = {"SETTINGS": "settings.json", "RUN_DIR": "run", "STATE_DIR": "state"}
        env = {f"SENTINEL_{name}": str(self.folder / path) for name, path in paths.items()}
        at = environment(env | self.env)
        clock = self.time.clock
        self.sentinel = Sentinel(at, clock=clock, boot="boot", tell_driver=no_driver)
        return self.sentinel

    def settings(self, document: str) -> None:
        """What the operator has written."""
        (self.folder / "settings.json").write_text(document)

    def look(self) -> SentinelReport:
        """The report after one look."""
        self.time.passes(timedelta(seconds=1))
        self.counts()
        self.sentinel.look()
        return self.sentinel.publisher.latest()

    def says(self, *lines: str) -> SentinelReport:
        """Lines with a time stamp appear in the log."""
        return self.prints(*[f"{self.time.now:%Y-%m-%d %H:%M:%S}:000 {line}" for line in lines])

    def prints(self, *lines: str) -> SentinelReport:
        """Lines as they are appear in the log."""
        self.writes(*lines)
        return self.look()

    def writes(self, *lines: str) -> None:
        """Lines that nobody looks at yet."""
        with (self.run / "gateway.log").open("a") as log:
            log.writelines(f"{line}\n" for line in lines)

    def wrapper(self, state: str, permit: int = 0, *, token: bool = False) -> None:
        """The wrapper's state file."""
        has = "yes" if token else "no"
        text = f"state={state}\nstart={self.starts}\npermit={permit or ''}\ntoken={has}\n"
        (self.run / "wrapper").write_text(text)

    def counts(self) -> None:
        """The wrapper's sign of life, while it has one to give."""
        if self.alive:
            self.beats += 1
            (self.run / "alive").write_text(f"{self.starts} {self.beats}\n")

    def waits(self, *, token: bool = False) -> SentinelReport:
        """A container starts and its wrapper waits."""
        self.starts += 1
        (self.run / "permit.taken").unlink(missing_ok=True)
        self.wrapper("waiting", token=token)
        return self.says("wrapper: waiting for a permit")

    def takes_permit(self) -> None:
        """The wrapper has renamed the permit, and no more."""
        (self.run / "permit").rename(self.run / "permit.taken")

    def permit(self) -> str:
        """What the permit that lies ready allows; empty for none."""
        path = self.run / "permit"
        return " ".join(path.read_text().splitlines()[:3]) if path.exists() else ""

    def permit_is_for(self) -> str:
        """The start that the permit names."""
        lines = (self.run / "permit").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)["start"]

    def runs(self) -> int:
        """The wrapper takes the permit and starts run.sh."""
        number = int(self.permit().split()[0].removeprefix("id="))
        self.takes_permit()
        self.wrapper("running", number)
        self.says(f"wrapper: permit {number} taken: full, secondary", START, ATTEMPT)
        return number

    def ends(self) -> SentinelReport:
        """run.sh has ended."""
        self.wrapper("ended")
        return self.says("wrapper: run.sh ended with 0")

    async def stopped(self) -> None:
        """The sentinel's own stop, if there is one, is over."""
        if (stop := self.sentinel._stop._task) is not None:
            await asyncio.wait_for(stop, 10)

    def api(self, sign: Sign, detail: str = "") -> SentinelReport:
        """The API says something."""
        self.sentinel.on_evidence(sign, detail)
        return self.look()

    def ibkr_tells_time(self, ahead: float) -> SentinelReport:
        """IBKR answers reqCurrentTime at once; `ahead`: seconds of its clock."""
        at = self.time.now + timedelta(seconds=ahead)
        watch = self.sentinel._monitor.clock_watch
        watch.asked()
        watch.answered(str(int(at.timestamp())))
        return self.look()

    def logs_in(self) -> SentinelReport:
        """From a waiting start to the API's proof."""
        self.waits()
        self.runs()
        self.says(PUSH, ANSWERED, DONE)
        report = self.api(Sign.API_READY, "DU1")
        assert report.state is LoginState.LOGGED_IN
        return report

    def later(self, **span: float) -> SentinelReport:
        """Time passes, then one look."""
        self.time.passes(timedelta(**span))
        return self.look()

    def records(self) -> Records:
        """The attempt ledger as it stands on disk."""
        return fold((self.state / "attempts.jsonl").read_text().splitlines())

    def outcomes(self) -> list[AttemptOutcome | None]:
        """How each attempt ended, as far as it is known."""
        return [attempt.outcome for attempt in self.records().attempts]
