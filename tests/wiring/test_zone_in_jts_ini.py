"""A jts.ini that is there already masks the zone that the spec asks for: the start script corrects it and says so."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "gateway" / "ibgateway_pod" / "10-ibc.sh"
TEMPLATE = ROOT / "simulator" / "image" / "ibc" / "config.ini.tmpl"
INI = "[IBGateway]\nApiOnly=true\n[Logon]\nTimeZone={zone}\nLocale=en\n"


def started(folder: Path, zone: str) -> str:
    """What the script prints."""
    shutil.copy(TEMPLATE, folder / "config.ini.tmpl")
    environ = {
        "PATH": os.environ["PATH"],
        "IBC_INI_TMPL": str(folder / "config.ini.tmpl"),
        "TWS_USERID": "paperuser",
        "TWS_PASSWORD": "canary",
        "TWS_SETTINGS_PATH": str(folder / "settings"),
        "TIME_ZONE": zone,
    }
    done = subprocess.run(
        ["bash", str(SCRIPT)], env=environ, capture_output=True, check=True, timeout=20, text=True
    )
    return done.stdout


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    (tmp_path / "settings").mkdir()
    return tmp_path / "settings" / "jts.ini"


def test_another_zone_is_corrected_and_said(tmp_path: Path, ini: Path) -> None:
    ini.write_text(INI.format(zone="Etc/UTC"))
    said = started(tmp_path, "Europe/Berlin")
    assert said.splitlines() == [
        "jts.ini had TimeZone=Etc/UTC and masked TIME_ZONE=Europe/Berlin (spec.gateway.timeZone):"
        " it is corrected"
    ]
    assert ini.read_text() == INI.format(zone="Europe/Berlin")
    assert started(tmp_path, "Europe/Berlin") == ""
    assert [file.name for file in ini.parent.iterdir()] == ["jts.ini"]


def test_the_same_zone_no_zone_and_no_file_are_left_alone(tmp_path: Path, ini: Path) -> None:
    assert started(tmp_path, "Europe/Berlin") == ""
    assert not ini.exists()
    for text in (INI.format(zone="Europe/Berlin"), "[Logon]\nLocale=en"):
        ini.write_text(text)
        assert started(tmp_path, "Europe/Berlin") == ""
        assert ini.read_text() == text
