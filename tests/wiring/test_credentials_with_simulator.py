"""User name and password as people have them, from the Secret's file to IBKR: wrapper, run.sh, start script, IBC.

The pod is given them as the operator gives them: as two files of one mounted Secret.
"""

import asyncio
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from sentinel_world import PodOnHost, pod_on_host

pytestmark = pytest.mark.timeout(240)

READER = """
import java.io.*; import java.util.Properties;
public class Reader {
  public static void main(String[] a) throws Exception {
    Properties p = new Properties();
    try (InputStream in = new FileInputStream(a[0])) { p.load(in); }
    System.out.write((p.getProperty("IbLoginId") + "\\u0000" + p.getProperty("IbPassword")).getBytes("UTF-8"));
    System.out.flush();
  }
}
"""
AWKWARD = "can\\ary $HOME ${TWS_USERID} $(id) `id` #=!: '\"&|/% <>;*?~ äöüß€\U0001f600"


async def read_by_java(pod: PodOnHost) -> list[str]:
    """The two values as IBC's own reader gets them from the config.ini of the running container."""
    (pod.folder / "Reader.java").write_text(READER)
    java = await asyncio.create_subprocess_exec(
        *("java", str(pod.folder / "Reader.java"), str(pod.folder / "home/ibc/config.ini")),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await java.communicate()
    return out.decode().split("\0")


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("pape\\rüser", AWKWARD),
        ("paper$USER", f" {AWKWARD} "),
        ("#paper", "\\u0041canary\\"),
        ("!paper:=", "=:canary\\\\n"),
    ],
    ids=["everything", "blanks around it", "ends with a backslash", "begins with a separator"],
)
async def test_ibkr_is_told_what_the_secret_holds(tmp_path: Path, user: str, password: str) -> None:
    async with pod_on_host(
        tmp_path, user=f"{user}\n", password=f"{password}\n", allowed=False
    ) as pod:
        account = {"password": password, "account": "DU1234567", "modes": ["paper"]}
        await pod.ibkr_said(
            "PUT", f"/v1/users/{quote(user, safe='')}", {**account, "two_factor": True}
        )
        pod.tell_sentinel(loginsAllowed=True)
        await pod.log_in()
        assert [(a.user, a.result) for a in pod.ibkr.ibkr.logins.attempts] == [(user, "logged-in")]
        assert password not in (pod.run / "gateway.log").read_text()
        if shutil.which("java"):
            assert await read_by_java(pod) == [user, password]


async def test_a_start_that_waits_logs_in_with_what_the_secret_holds_by_then(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path, user="olduser", password="canary-old", allowed=False) as pod:
        await pod.until(lambda r: r.get("waiting", {}).get("refusal") == "PolicyUnproven")
        account = {"password": "canary-new", "account": "DU7654321", "modes": ["paper"]}
        await pod.ibkr_said("PUT", "/v1/users/newuser", {**account, "two_factor": True})
        pod.secret.write(IB_USERNAME="newuser", IB_PASSWORD="canary-new")
        pod.tell_sentinel(loginsAllowed=True)
        await pod.log_in()
        assert [(a.user, a.result) for a in pod.ibkr.ibkr.logins.attempts] == [
            ("newuser", "logged-in")
        ]
