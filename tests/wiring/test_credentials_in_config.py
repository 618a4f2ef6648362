"""User name and password reach IBC as people have them: written by the start script, read as Java reads."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from ibgateway_simulator.gateway.properties import parse
from sentinel_world.secret_mount import SecretMount

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "gateway" / "ibgateway_pod" / "10-ibc.sh"
TEMPLATE = ROOT / "simulator" / "image" / "ibc" / "config.ini.tmpl"
PASSWORDS = (
    *("canary\\", "can\\ary", "\\u0041canary", "\\\\canary\\n", " canary", "canary ", "\tcanary"),
    *("#canary", "!canary", "=canary", ":canary", "can=ary:x", "$HOME ${TWS_USERID} `id` $(id)"),
    *('"can\'ary" & | / % < > ; * ? ~', "cänaryß", "canary€", "canary\U0001f600", "密碼canary"),
)

READER = """
import java.io.*; import java.util.Properties;
public class Reader {
  public static void main(String[] a) throws Exception {
    Properties p = new Properties();
    try (InputStream in = new FileInputStream(a[0])) { p.load(in); }
    String both = p.getProperty("IbLoginId") + "\\u0000" + p.getProperty("IbPassword");
    System.out.write(both.getBytes("UTF-8")); System.out.flush();
  }
}
"""


async def written(folder: Path, user: bytes, password: bytes) -> Path:
    """The config.ini as the start script and run.sh make it; run.sh replaces what looks like ${THIS}."""
    template, secret, ini = (folder / name for name in ("config.ini.tmpl", "secret", "config.ini"))
    shutil.copy(TEMPLATE, template)
    secret.write_bytes(password)
    environ: dict[bytes, bytes] = {
        b"PATH": os.fsencode(os.environ["PATH"]),
        b"IBC_INI_TMPL": os.fsencode(template),
        b"TWS_USERID": user,
        b"TWS_PASSWORD_FILE": os.fsencode(secret),
    }
    for _ in range(2):
        process = await asyncio.create_subprocess_exec("bash", str(SCRIPT), env=environ)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert template.stat().st_mode & 0o077 == 0, "the template holds a password"
    ini.write_text(template.read_text().replace("${TRADING_MODE}", "paper"))
    return ini


@pytest.mark.parametrize("password", PASSWORDS)
async def test_a_password_arrives_as_it_is(tmp_path: Path, password: str) -> None:
    ini = await written(tmp_path, b"paper\\user", password.encode())
    values = parse(ini.read_bytes().decode("latin-1"))
    assert values["IbPassword"] == password
    assert values["IbLoginId"] == "paper\\user"
    assert values["TradingMode"] == "paper"
    assert values["CommandServerPort"] == "7462"
    ours = [line for line in ini.read_text().splitlines() if line.startswith("Ib")]
    assert not any("$" in line for line in ours), "run.sh would replace a part of it"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
async def test_line_ends_at_the_end_belong_to_the_tool_that_made_the_secret(
    tmp_path: Path, end: str
) -> None:
    ini = await written(tmp_path, f"paperuser{end}".encode(), f"canary {end}".encode())
    values = parse(ini.read_bytes().decode("latin-1"))
    assert (values["IbLoginId"], values["IbPassword"]) == ("paperuser", "canary ")


def by_mount(folder: Path, template: Path) -> dict[bytes, bytes]:
    """What the pod tells the script: both values as files of one mounted Secret."""
    return {
        b"PATH": os.fsencode(os.environ["PATH"]),
        b"IBC_INI_TMPL": os.fsencode(template),
        b"TWS_USERID_FILE": os.fsencode(folder / "IB_USERNAME"),
        b"TWS_PASSWORD_FILE": os.fsencode(folder / "IB_PASSWORD"),
    }


async def test_a_secret_that_changes_meanwhile_gives_no_half_of_the_old_one(tmp_path: Path) -> None:
    template, mount = tmp_path / "config.ini.tmpl", SecretMount(tmp_path / "secret")
    shutil.copy(TEMPLATE, template)
    mount.write(IB_PASSWORD="canary-old")
    name = (mount.folder / "..data").resolve() / "IB_USERNAME"
    os.mkfifo(name)
    (mount.folder / "IB_USERNAME").symlink_to("..data/IB_USERNAME")
    process = await asyncio.create_subprocess_exec(
        "bash", str(SCRIPT), env=by_mount(mount.folder, template)
    )
    # Opened once the script reads the name: it stands between the two values.
    half_read = await asyncio.to_thread(name.open, "w")
    mount.write(IB_USERNAME="newuser", IB_PASSWORD="canary-new")
    half_read.write("olduser")
    half_read.close()
    assert await asyncio.wait_for(process.wait(), 20) == 0
    values = parse(template.read_bytes().decode("latin-1"))
    assert (values["IbLoginId"], values["IbPassword"]) == ("newuser", "canary-new")


@pytest.mark.parametrize("half", [{"IB_USERNAME": "paperuser"}, {"IB_PASSWORD": "canary"}])
async def test_half_of_a_login_is_none(tmp_path: Path, half: dict[str, str]) -> None:
    template, mount = tmp_path / "config.ini.tmpl", SecretMount(tmp_path / "secret")
    mount.write(**half)
    shutil.copy(TEMPLATE, template)
    process = await asyncio.create_subprocess_exec(
        "bash",
        str(SCRIPT),
        env=by_mount(mount.folder, template),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 1
    assert b"no login is tried with half of them" in said
    assert b"canary" not in said
    assert template.read_bytes() == TEMPLATE.read_bytes()


@pytest.mark.skipif(
    shutil.which("java") is None, reason="Java itself reads only where there is one"
)
async def test_java_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "Reader.java").write_text(READER)
    password = "".join(PASSWORDS)
    ini = await written(tmp_path, "pape\\rüser".encode(), password.encode())
    java = await asyncio.create_subprocess_exec(
        *("java", str(tmp_path / "Reader.java"), str(ini)), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await java.communicate()
    assert out.decode().split("\0") == ["pape\\rüser", password]
