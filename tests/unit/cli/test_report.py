"""`report`: what helps others is in it, what is nobody's business is not, wherever it stands."""

import base64
import io
import json
import stat
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.cluster import Cluster
from ibgateway_cli.report.redaction import Redaction
from plugin_fakes import PluginWorld, gateway_object, secret_object
from plugin_fakes.objects import event_object, pod_object, program_object, trading_status

USER, PASSWORD, VNC = "user-canary-31", "päss wörd-canary-32", "vc9"
AWKWARD = "ca\"na\\ry'cänary% /"
CANARIES = {
    "user": USER,
    "password": PASSWORD,
    "password in base64": base64.b64encode(PASSWORD.encode()).decode(),
    "second line": "second-line-canary-33",
    "agent": "agent-token-canary-11",
    "client": "client-token-canary-22",
    "notification": "tgram://canary-44/chat",
    "account": "DU7654321",
    "other account": "U7770001",
    "adviser": "DF5550002",
}


def leaky() -> PluginWorld:
    """A gateway whose logs, Events, objects and status tell everything, as no program of ours should."""
    everything = " ".join(CANARIES.values())
    world = PluginWorld()
    status = trading_status()
    status["conditions"][0]["message"] = everything
    gateway = gateway_object(
        status=status,
        executor={"accounts": ["DU7654321"]},
        notifications={"secretRef": {"name": "paper-notifications"}},
    )
    gateway["metadata"]["annotations"] = {"note": everything}
    pod = pod_object("paper-gateway-0", "gateway", "gateway", "sentinel")
    pod["spec"]["containers"][0]["env"] = [{"name": "A", "value": everything}]
    keys = {"IB_USERNAME": USER, "IB_PASSWORD": PASSWORD, "VNC_PASSWORD": VNC}
    world.kubectl.add(
        gateway,
        pod,
        secret_object("ib-credentials", **keys),
        secret_object(
            "paper-notifications", URLS="tgram://canary-44/chat\nsecond-line-canary-33\n"
        ),
        event_object(1, "IBGateway/paper", "LoggedIn", everything),
    )
    at = "2026-12-02T07:59:01Z"
    for container in ("gateway", "sentinel"):
        world.kubectl.logs["paper-gateway-0", container] = f"{at} {everything} vnc {VNC} vc9x\n"
    return world


def made(world: PluginWorld, file: Path, *more: str) -> dict[str, str]:
    """The files of the report, by name."""
    shown = world.run("report", "--file", str(file), *more)
    assert shown.code == 0, shown.golden()
    with tarfile.open(file) as archive:
        members = [(m.name, archive.extractfile(m)) for m in archive.getmembers()]
        return {name: read.read().decode() for name, read in members if read}


def test_no_secret_and_no_account_is_in_it(tmp_path: Path) -> None:
    world = leaky()
    files = made(world, tmp_path / "a.tar.gz")
    for name, text in files.items():
        found = [what for what, canary in CANARIES.items() if canary in text or canary in name]
        assert found == [], name
    log = next(text for name, text in files.items() if name.endswith("paper-gateway-0.gateway.log"))
    assert "[IB_USERNAME of ib-credentials] [IB_PASSWORD of ib-credentials]" in log
    assert "vnc [VNC_PASSWORD of ib-credentials] vc9x" in log
    assert "canary" not in str(world.kubectl.calls)


def test_of_a_long_log_the_newest_lines_are_in_it(tmp_path: Path) -> None:
    world = leaky()
    at, filled = "2026-12-02T07:59:01Z", "x" * 130
    lines = [f"{at} {number} {filled}\n" for number in range(40_100)]
    world.kubectl.logs["paper-gateway-0", "gateway"] = "".join(lines)
    files = made(world, tmp_path / "a.tar.gz")
    log = next(text for name, text in files.items() if name.endswith("paper-gateway-0.gateway.log"))
    assert log == "".join(lines[100:])


def test_a_program_of_others_with_the_gateways_label_is_not_in_it(tmp_path: Path) -> None:
    world = leaky()
    bot = program_object("bot-1", ready=True)
    bot["spec"]["containers"][0]["env"] = [{"name": "KEY", "value": "strategy-canary-55"}]
    world.kubectl.add(bot)
    world.kubectl.logs["bot-1", "bot"] = "2026-12-02T07:59:01Z strategy-canary-56\n"
    files = made(world, tmp_path / "a.tar.gz")
    assert [name for name, text in files.items() if "strategy-canary" in text] == []


def test_an_account_has_one_mask_everywhere(tmp_path: Path) -> None:
    files = made(leaky(), tmp_path / "a.tar.gz")
    for part in ("ibgateway.yaml", "events.yaml", "paper-gateway-0.sentinel.log"):
        text = next(text for name, text in files.items() if name.endswith(part))
        assert "[paper-account-1]" in text
    masks = {mask for text in files.values() for mask in text.split() if "account-" in mask}
    assert any("live-account" in mask for mask in masks)


def test_what_helps_others_is_in_it(tmp_path: Path) -> None:
    files = made(leaky(), tmp_path / "a.tar.gz")
    folder = "ibgateway-paper-20261202-080000"
    assert {name.removeprefix(f"{folder}/") for name in files} == {
        "README.txt",
        "status.txt",
        "status.yaml",
        "events.yaml",
        "ibgateway.yaml",
        "doctor.txt",
        "plugin.txt",
        "versions.yaml",
        *(
            f"objects/{kind}.yaml"
            for kind in (
                "configmaps",
                "deployments",
                "networkpolicies",
                "persistentvolumeclaims",
                "poddisruptionbudgets",
                "pods",
                "services",
                "statefulsets",
            )
        ),
        "logs/paper-gateway-0.gateway.log",
        "logs/paper-gateway-0.sentinel.log",
        "logs/paper-gateway-0.gateway.previous.log",
        "logs/paper-gateway-0.sentinel.previous.log",
    }
    assert "trading/paper" in files[f"{folder}/status.txt"]
    assert "Every value of the gateway's Secrets" in files[f"{folder}/README.txt"]


def test_it_is_for_its_owner_alone_and_writes_over_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.tar.gz"
    made(leaky(), file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    shown = leaky().run("report", "--file", str(file))
    assert shown.code == ExitCode.FAILED
    assert "File exists" in shown.error
    assert file.read_bytes() == before


def test_secrets_that_can_not_be_read_stop_it_unless_it_is_said(tmp_path: Path) -> None:
    world = leaky()
    world.kubectl.refused["get", "secret"] = "Error from server (Forbidden): secrets is forbidden"
    file = tmp_path / "a.tar.gz"
    shown = world.run("report", "--file", str(file))
    assert shown.code == ExitCode.NOT_ALLOWED
    assert "next: --unchecked" in shown.error
    assert not file.exists()
    files = made(world, file, "--unchecked")
    readme = next(text for name, text in files.items() if name.endswith("README.txt"))
    assert "NOT looked for" in readme
    assert not any("DU7654321" in text for text in files.values())


def test_what_may_not_be_read_says_so_and_leaves_the_rest(tmp_path: Path) -> None:
    world = leaky()
    words = "Error from server (Forbidden): events is forbidden: User anna cannot list"
    world.kubectl.refused["get", "event"] = words
    world.kubectl.refused["get", "networkpolicy"] = words.replace("events", "networkpolicies")
    files = made(world, tmp_path / "a.tar.gz")
    folder = "ibgateway-paper-20261202-080000"
    assert files[f"{folder}/events.yaml"] == f"# {words}\n"
    assert "networkpolicies is forbidden" in files[f"{folder}/objects/networkpolicies.yaml"]
    assert f"{folder}/logs/paper-gateway-0.sentinel.log" in files


def test_the_answer_for_programs_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.tar.gz"
    shown = leaky().run("report", "--file", str(file), "-o", "json")
    document: dict[str, Any] = json.loads(shown.out)
    assert document["file"] == str(file)
    assert "README.txt" in document["files"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("U1234567 and DU1234567", "[live-account-2] and [paper-account-1]"),
        ("ABU1234567C", "ABU1234567C"),
        ("pod du1234567-gateway-0", "pod [paper-account-1]-gateway-0"),
        ("order F1234567.", "order [live-account-2]."),
        ("E1130 08:00 and UTC2026 and SHA256", "E1130 08:00 and UTC2026 and SHA256"),
        ("no account", "no account"),
    ],
)
def test_what_an_account_is(text: str, expected: str) -> None:
    assert Redaction({}, ["DU1234567"])(text) == expected


def test_the_longest_secret_wins_and_what_is_empty_takes_nothing() -> None:
    redact = Redaction({"a of s": [b"abcd"], "b of s": [b"abcdef"], "c of s": [b"", b"\n"]}, [])
    assert redact("abcdef abcd abc") == "[b of s] [a of s] abc"


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(AWKWARD),
        json.dumps(AWKWARD, ensure_ascii=False),
        yaml.safe_dump({"a": AWKWARD}, allow_unicode=True),
        f"'{AWKWARD.replace(chr(39), chr(39) * 2)}'",
        f"postgresql://user:{quote(AWKWARD, safe='')}@host/db",
    ],
)
def test_a_secret_is_found_as_json_yaml_and_addresses_write_it(written: str) -> None:
    shown = Redaction({"a of s": [AWKWARD.encode()]}, [])(written)
    assert "[a of s]" in shown


def test_a_long_text_is_not_folded_in_the_midst_of_a_secret(tmp_path: Path) -> None:
    world = leaky()
    long = f"https://hooks.example.com/{'x' * 150}/canary-77 {'word ' * 30}two words-canary-78"
    status = trading_status()
    for condition in status["conditions"]:
        condition |= {"status": "False", "message": long}
    world.kubectl.objects["ibgateway", "paper"]["status"] = status
    world.kubectl.add(
        secret_object("paper-notifications", URLS=long.split(maxsplit=1)[0], B=long[-19:])
    )
    for name, text in made(world, tmp_path / "a.tar.gz").items():
        assert "canary-7" not in text, name


def test_where_values_were_not_looked_for_the_last_line_says_so(tmp_path: Path) -> None:
    world = leaky()
    world.kubectl.refused["get", "secret"] = "Error from server (Forbidden): secrets is forbidden"
    shown = world.run("report", "--file", str(tmp_path / "a.tar.gz"), "--unchecked")
    assert "NOT looked for" in " ".join(shown.out.split())
    assert "no value of a Secret" not in shown.out


def test_what_can_be_read_is_taken_out_where_another_secret_can_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Cluster.secret

    def some(cluster: Cluster, name: str) -> dict[str, bytes]:
        if name == "ib-credentials":
            raise PluginError("forbidden", "", ExitCode.NOT_ALLOWED)
        return whole(cluster, name)

    monkeypatch.setattr(Cluster, "secret", some)
    files = made(leaky(), tmp_path / "a.tar.gz", "--unchecked")
    assert not any("client-token-canary-22" in text for text in files.values())
    assert any("NOT looked for" in text for text in files.values())


def test_an_archive_is_one_that_tar_reads(tmp_path: Path) -> None:
    file = tmp_path / "a.tar.gz"
    made(leaky(), file)
    with tarfile.open(fileobj=io.BytesIO(file.read_bytes()), mode="r:gz") as archive:
        assert all(member.mode == 0o600 for member in archive.getmembers())
