"""Logins as gateways ask for them at IBKR: pushes, tokens, sessions that are taken and given back."""

import json

from simulator_fakes.ibkr_world import IbkrWorld


async def test_a_full_login_needs_one_approved_push(world: IbkrWorld) -> None:
    await world.login()
    (push,) = await world.call("GET", "/v1/pushes")
    assert (push["user"], push["state"], push["stacked"]) == ("paperuser", "approved", False)
    (attempt,) = await world.call("GET", "/v1/logins")
    assert (attempt["kind"], attempt["result"], attempt["push"]) == ("full", "logged-in", 1)


async def test_a_denied_push_and_an_ignored_one_end_the_attempt(world: IbkrWorld) -> None:
    await world.gateway()
    await world.ask()
    await world.message("push_sent")
    await world.call("POST", "/v1/pushes/latest/deny")
    await world.message("push_denied")
    await world.ask()
    await world.message("push_sent")
    await world.call("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
    await world.message("push_missed")
    assert [p["state"] for p in await world.call("GET", "/v1/pushes")] == ["denied", "missed"]
    results = [a["result"] for a in await world.call("GET", "/v1/logins")]
    assert results == ["push-denied", "push-missed"]


async def test_a_wrong_password_is_refused_and_never_shown(world: IbkrWorld) -> None:
    await world.gateway()
    await world.ask(password="canary-password")
    assert (await world.message("rejected"))["dialog"] == "unrecognized"
    for path in ("/v1/events", "/v1/logins", "/v1/state"):
        assert "canary-password" not in json.dumps(await world.call("GET", path))


async def test_the_gateways_end_ends_the_session_and_its_api_clients(world: IbkrWorld) -> None:
    await world.login()
    client = await world.tws()
    await world.socket.close()
    await client.end()
    assert (await world.call("GET", "/v1/state"))["sessions"] == []


async def test_the_push_of_a_gateway_that_died_stays_and_a_second_one_is_stacked(
    world: IbkrWorld,
) -> None:
    socket = await world.gateway("g1")
    await world.ask()
    await world.message("push_sent")
    await socket.close()
    await world.gateway("g2")
    await world.ask()
    await world.message("push_sent")
    first, second = await world.call("GET", "/v1/pushes")
    assert (first["state"], first["orphaned"]) == ("waiting", True)
    assert second["stacked"] is True


async def test_a_token_restart_needs_no_push_until_the_token_is_dead(world: IbkrWorld) -> None:
    token = (await world.login())["token"]
    await world.gateway("g1")
    await world.ask(kind="token", token=token)
    await world.message("logged_in")
    await world.call("POST", "/v1/users/paperuser/expire-token")
    await world.ask(kind="token", token=token)
    assert (await world.message("token_expired"))["dialog"] == "dialog"
    assert len(await world.call("GET", "/v1/pushes")) == 1


async def test_a_kick_is_1100_with_the_socket_open_and_1102_when_free(world: IbkrWorld) -> None:
    await world.login()
    client = await world.tws()
    await world.call("POST", "/v1/users/paperuser/kick", {"style": "waits"})
    assert (await world.message("kicked"))["style"] == "waits"
    await client.error(1100)
    await world.ask(kind="relogin", session=world.session)
    client.send("8|1|1")
    assert (await client.until("9"))[0] == "9"
    await world.call("POST", "/v1/users/paperuser/free")
    assert (await world.message("logged_in"))["session"] == world.session
    await client.error(1102)
    assert len(await world.call("GET", "/v1/pushes")) == 1


async def test_a_contested_session_is_taken_over_or_yielded(world: IbkrWorld) -> None:
    await world.login()
    await world.call("POST", "/v1/users/paperuser/kick", {"style": "contest"})
    await world.ask(kind="relogin", session=world.session)
    assert (await world.message("existing"))["other"] == "person"
    await world.socket.send_json({"type": "existing_answer", "go_on": False})
    await world.message("yielded")
    await world.ask(kind="relogin", session=world.session)
    await world.message("existing")
    await world.socket.send_json({"type": "existing_answer", "go_on": True})
    await world.message("logged_in")
    (user,) = (await world.call("GET", "/v1/state"))["users"]
    assert user["person"] is False


async def test_a_new_user_logs_in_without_second_factor(world: IbkrWorld) -> None:
    body = {"password": "pw", "account": "U7654321", "modes": ["live"], "two_factor": False}
    await world.call("PUT", "/v1/users/liveuser", body)
    await world.gateway()
    await world.ask(user="liveuser", password="pw", mode="paper")
    await world.message("rejected")
    await world.ask(user="liveuser", password="pw", mode="live")
    assert (await world.message("logged_in"))["account"] == "U7654321"


async def test_a_gateway_that_presses_relogin_has_its_session_back_and_the_person_is_out(
    world: IbkrWorld,
) -> None:
    await world.login()
    client = await world.tws()
    await world.call("POST", "/v1/users/paperuser/kick")
    assert (await world.message("kicked"))["style"] == "relogin"
    await client.error(1100)
    await world.ask(kind="relogin", session=world.session)
    assert (await world.message("logged_in"))["session"] == world.session
    await client.error(1102)
    (user,) = (await world.call("GET", "/v1/state"))["users"]
    assert user["person"] is False
    assert len(await world.call("GET", "/v1/pushes")) == 1


async def test_a_relogin_may_ask_for_a_push(world: IbkrWorld) -> None:
    await world.login()
    await world.call("PATCH", "/v1/login-rules", {"relogin": "push"})
    await world.call("POST", "/v1/users/paperuser/kick")
    await world.ask(kind="relogin", session=world.session)
    await world.message("push_sent")
    await world.call("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
    await world.message("push_missed")
    await world.ask(kind="relogin", session=world.session)
    await world.message("push_sent")
    await world.call("POST", "/v1/pushes/latest/approve")
    assert (await world.message("logged_in"))["session"] == world.session
    results = [a["result"] for a in await world.call("GET", "/v1/logins")]
    assert results == ["logged-in", "push-missed", "logged-in"]


async def test_the_push_of_a_relogin_may_never_come(world: IbkrWorld) -> None:
    await world.login()
    await world.call("PATCH", "/v1/login-rules", {"relogin": "no-push"})
    await world.ask(kind="relogin", session=world.session)
    await world.event("push_withheld")
    await world.call("PATCH", "/v1/login-rules", {"relogin": "nothing"})
    await world.ask(kind="relogin", session=world.session)
    await world.message("logged_in")
    results = [a["result"] for a in await world.call("GET", "/v1/logins")]
    assert results == ["logged-in", "abandoned", "logged-in"]
    assert len(await world.call("GET", "/v1/pushes")) == 1


async def test_a_relogin_may_meet_an_unrecognized_user_name(world: IbkrWorld) -> None:
    await world.login()
    await world.call("PATCH", "/v1/login-rules", {"relogin": "unrecognized"})
    await world.ask(kind="relogin", session=world.session)
    assert (await world.message("rejected"))["dialog"] == "unrecognized"


async def test_so_many_logins_meet_the_soft_token_error(world: IbkrWorld) -> None:
    await world.call("PATCH", "/v1/login-rules", {"login_error_next": 1})
    await world.gateway()
    await world.ask()
    await world.message("login_error")
    await world.ask()
    await world.message("push_sent")
    results = [a["result"] for a in await world.call("GET", "/v1/logins")]
    assert results == ["login-error", "pending"]


async def test_a_login_may_stall_after_its_push(world: IbkrWorld) -> None:
    await world.call("PATCH", "/v1/login-rules", {"stalls": True})
    await world.gateway()
    await world.ask()
    await world.message("push_sent")
    await world.call("POST", "/v1/pushes/latest/approve")
    await world.message("push_approved")
    (attempt,) = await world.call("GET", "/v1/logins")
    assert attempt["result"] == "pending"


async def test_the_gateway_hears_whether_the_file_of_a_dead_token_stays(world: IbkrWorld) -> None:
    await world.call("PATCH", "/v1/login-rules", {"dead_token_file": "stays"})
    await world.gateway()
    await world.ask(kind="token", token="dead")
    assert (await world.message("token_expired"))["file_stays"] is True


async def test_a_taken_over_session_comes_back_with_one_message(world: IbkrWorld) -> None:
    await world.login()
    await world.call("POST", "/v1/users/paperuser/kick", {"style": "existing"})
    await world.message("kicked")
    await world.ask(kind="relogin", session=world.session, take_over=True)
    assert (await world.socket.receive_json())["type"] == "logged_in"


async def test_with_several_devices_no_push_is_sent_before_one_is_chosen(world: IbkrWorld) -> None:
    body = {"password": "paperpassword", "account": "DU1234567", "devices": ["Phone", "Card"]}
    await world.call("PUT", "/v1/users/paperuser", body)
    await world.gateway()
    await world.ask()
    assert (await world.message("devices"))["devices"] == ["Phone", "Card"]
    assert await world.call("GET", "/v1/pushes") == []
    await world.socket.send_json({"type": "device", "device": "Phone"})
    await world.message("push_sent")
