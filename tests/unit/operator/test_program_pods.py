"""What is kept of the pods of programs: the newest of each, by the gateway it names, and that gateway's last word."""

from ibgateway_api.names import Key
from ibgateway_operator.decide.programs import MISSING
from ibgateway_operator.kube.programs import ProgramPods
from ibgateway_operator.model.programs import KeptCondition, ProgramPod

PAPER, LIVE = Key("trading", "paper"), Key("trading", "live")
OPEN = KeptCondition("True", "GateOpen", "paper: go", "t")


def kept(
    version: int,
    *,
    name: str = "bot",
    uid: str = "u",
    follows: Key = PAPER,
    told: KeptCondition = KeptCondition(),  # noqa: B008 - frozen
) -> ProgramPod:
    return ProgramPod(Key("trading", name), uid, follows, version, told)


def test_only_what_says_something_of_the_gate_is_news() -> None:
    pods = ProgramPods()
    assert pods.put(kept(1))
    assert not pods.put(kept(2))
    assert pods.put(kept(3, told=OPEN))
    assert pods.put(kept(4, told=OPEN, follows=LIVE))
    assert pods.put(kept(5, told=OPEN, follows=LIVE, uid="another"))


def test_what_a_watch_shows_of_the_past_is_not_believed() -> None:
    pods = ProgramPods()
    pods.put(kept(5))
    pods.answered(kept(8, told=OPEN))
    assert not pods.put(kept(7))
    assert pods.of(PAPER) == [kept(8, told=OPEN)]


def test_a_version_that_is_no_number_is_believed() -> None:
    pods = ProgramPods()
    pods.put(kept(5))
    assert pods.put(kept(0, told=OPEN))


def test_one_that_is_gone_does_not_come_back_with_the_answer_to_a_write() -> None:
    pods = ProgramPods()
    pods.put(kept(5))
    assert pods.drop(Key("trading", "bot"), "another") is None
    assert pods.drop(Key("trading", "bot"), "u") == kept(5)
    assert not pods.answered(kept(8, told=OPEN))
    assert pods.gateways() == []


def test_one_that_names_another_gateway_is_that_ones_alone() -> None:
    pods = ProgramPods()
    pods.put(kept(5))
    assert pods.answered(kept(6, follows=LIVE))
    assert (pods.of(PAPER), pods.of(LIVE)) == ([], [kept(6, follows=LIVE)])
    assert pods.counts() == {LIVE: 1}


def test_a_word_is_forgotten_with_the_last_pod_it_was_for() -> None:
    pods = ProgramPods()
    assert pods.say(PAPER, MISSING) == []
    assert pods.word(PAPER) is None
    pods.put(kept(5))
    pods.say(PAPER, MISSING)
    assert pods.word(PAPER) == MISSING
    pods.drop(Key("trading", "bot"), "u")
    pods.put(kept(9, uid="new"))
    assert pods.word(PAPER) is None


def test_those_that_a_list_has_not_shown_are_named_in_their_namespace_alone() -> None:
    pods = ProgramPods()
    pods.put(kept(5))
    pods.put(kept(6, name="bot-2", uid="v"))
    assert pods.missing("", {"u"}) == [kept(6, name="bot-2", uid="v")]
    assert pods.missing("trading", {"u"}) == [kept(6, name="bot-2", uid="v")]
    assert pods.missing("other", set()) == []
