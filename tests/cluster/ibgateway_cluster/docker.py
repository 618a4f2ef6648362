"""The Docker client with the right engine behind it.

The engine is part of the value (its environment), so nothing here looks at the process's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster.command import run, stream, succeeds
from ibgateway_cluster.errors import CommandError
from ibgateway_cluster.report import Reporter

_POINTERS = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_HOST")


def own_environment(environ: Mapping[str, str], address: str) -> dict[str, str]:
    """The environment that sends `docker` and `kind` to the engine at `address`."""
    env = {key: value for key, value in environ.items() if key not in _POINTERS}
    # Debian's engine has the classic builder only.
    return {**env, "DOCKER_HOST": address, "DOCKER_BUILDKIT": "0"}


@dataclass(frozen=True)
class Docker:
    """Calls of `docker` with `environ`."""

    environ: Mapping[str, str]

    def answers(self) -> bool:
        """Whether there is a client and its engine answers."""
        return succeeds(["docker", "version"], env=self.environ)

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """`docker ARGUMENTS`; gives standard output."""
        return run(["docker", *arguments], env=self.environ, stdin=stdin)

    def image_id(self, name: str) -> str | None:
        """`sha256:...` of an image, None if the engine has none of that name."""
        try:
            return self.run("image", "inspect", "-f", "{{.Id}}", name).strip()
        except CommandError:
            return None

    def label(self, image: str, name: str) -> str | None:
        """The value of an image's label, None without image or label."""
        try:
            value = self.run(
                "image", "inspect", "-f", f'{{{{index .Config.Labels "{name}"}}}}', image
            )
        except CommandError:
            return None
        return value.strip() or None

    def obtains(self, name: str, report: Reporter) -> bool:
        """Whether the image is there or can be pulled now."""
        if self.image_id(name):
            return True
        try:
            with report.step(f"pull {name.split('@', maxsplit=1)[0]}"):
                run(["docker", "pull", "--quiet", name], env=self.environ, timeout=1200)
        except CommandError:
            report.say(f"{name.split('@', maxsplit=1)[0]} can't be pulled here")
            return False
        return True

    def build(self, context: Path, arguments: list[str], report: Reporter, *, title: str) -> None:
        """`docker build ARGUMENTS CONTEXT`, one step of a progress bar per line of Dockerfile."""
        with report.step(title) as step:
            stream(["docker", "build", *arguments, str(context)], step.advance, env=self.environ)
