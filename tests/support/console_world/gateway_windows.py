"""Where things are on the simulated Gateway's screen of 1024 x 768, and their colours."""

from typing import Final

REJECTION: Final = (730, 262)
"""The title bar of a dialog, beside its text."""
REJECTION_OK: Final = (512, 436)
PASSWORD_FIELD: Final = (557, 337)
LOG_IN: Final = (512, 390)
WINDOW: Final = (512, 215)
"""The login window's title bar."""
GO_ON: Final = (440, 436)
"""The first of two buttons of a dialog."""
CONFIGURE: Final = (325, 245)
MENU_BAR: Final = (600, 245)
SETTINGS_LINE: Final = (318, 272)
BESIDE_SETTINGS_LINE: Final = (345, 281)
"""The menu of a gateway that is logged in, its bar, its line, and the line's ground beside the text."""
SETTINGS_TITLE: Final = (745, 255)
"""The settings window's title bar, where the window below is not."""
READ_ONLY: Final = (313, 317)
APPLY: Final = (512, 476)
BLUE: Final = [0x1D, 0x35, 0x57]
GREY: Final = [0xE8, 0xED, 0xF2]
WHITE: Final = [0xFF, 0xFF, 0xFF]
"""Of a title bar, of the window around the fields, of the menu bar: a screen that is not drawn yet has none."""


def near(seen: list[int], wanted: list[int]) -> bool:
    """Equal but for what 16 bits a pixel lose."""
    return all(abs(a - b) <= 8 for a, b in zip(seen, wanted, strict=True))
