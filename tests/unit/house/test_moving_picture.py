"""The moving picture of `status --watch`: drawn of what was recorded, one frame at a time, small, and without anything from elsewhere."""

import re
from typing import Final

from rich.text import Text

from moving_picture.__main__ import IMAGE, frames, picture, recorded
from moving_picture.terminal import Frame, moving

SVG: Final = IMAGE.read_text()


def test_it_is_drawn_of_what_was_recorded() -> None:
    assert picture() == SVG, "run `make pictures`"


def test_it_tells_of_a_push_its_approval_and_an_open_gate() -> None:
    states = [one["document"]["login"]["state"] for one in recorded()]
    assert "AwaitingApproval" in states
    last = recorded()[-1]["document"]
    assert (last["login"]["state"], last["gate"]["status"]) == ("LoggedIn", "True")
    assert last["queue"]["active"] == 0


def test_it_is_small_and_fetches_nothing() -> None:
    assert len(SVG) < 500 * 1024
    assert re.findall(r"@import|@font-face|href|<script|<image", SVG) == []
    assert set(re.findall(r"url\((.)", SVG)) <= {"#"}
    assert len(frames(recorded())) >= 5


def test_frames_follow_each_other_and_the_last_stands_still_where_nothing_may_move() -> None:
    made = moving("a", [Frame(1, (Text("first"),)), Frame(3, (Text("second"), Text("line")))])
    assert "#f0 { animation: k0 4.0s step-end infinite }" in made
    assert re.search(r"@keyframes k0 \{ 0\.00% \{ visibility: visible \} 25\.00% ", made)
    assert re.search(
        r"@keyframes k1 \{ 0% \{ visibility: hidden \} 25\.00% \{ visibility: visible", made
    )
    assert "#f1 { visibility: visible }" in made.split("prefers-reduced-motion")[1]
    assert made.count("<title>") == 1


def test_all_frames_are_as_high_as_the_highest() -> None:
    made = moving("a", [Frame(1, (Text("one"),)), Frame(1, (Text("one\ntwo\nthree"),))])
    heights = re.findall(
        r'id="frame\d-clip-terminal">\s*<rect x="0" y="0" width="[\d.]+" height="([\d.]+)"', made
    )
    assert len(heights) == 2
    assert len(set(heights)) == 1
