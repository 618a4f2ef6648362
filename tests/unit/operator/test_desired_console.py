"""The console's Deployment."""

from operator_fakes import desired_input, environment, pod_specs


def test_the_console_asks_for_a_token_of_its_own_where_it_is_told_to() -> None:
    plain = pod_specs(desired_input())["novnc"]["containers"][0]
    assert environment(plain)["CONSOLE_AUTH"] == "password"
    assert "CONSOLE_TOKEN_FILE" not in environment(plain)
    spec = pod_specs(desired_input({"novnc": {"auth": "token"}}))["novnc"]
    assert environment(spec["containers"][0])["CONSOLE_TOKEN_FILE"] == "/run/secrets/console/token"
    assert spec["volumes"][1]["secret"]["secretName"] == "paper-novnc-token"
