"""Whether what a page shows can be read: WCAG's contrast of every text with what lies behind it."""

from dataclasses import dataclass

from playwright.sync_api import Page

_LOOK = """() => {
  const colour = text => {
    const parts = text.match(/[0-9.]+/g).map(Number);
    return parts.length === 3 ? [...parts, 1] : parts;
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found[3] === 1) return found;
      if (found[3] !== 0) return null;
    }
    return colour(getComputedStyle(document.documentElement).backgroundColor);
  };
  const shown = element => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const own = element => [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  return [...document.body.querySelectorAll("*")]
    .filter(element => shown(element) && (own(element) || element.matches("input, textarea")))
    .map(element => {
      const style = getComputedStyle(element);
      const large = parseFloat(style.fontSize) >= 24 ||
        (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
      return { name: element.id || element.tagName, text: element.textContent.trim().slice(0, 40),
               front: colour(style.color), behind: behind(element), large };
    });
}"""


@dataclass(frozen=True)
class TextContrast:
    """One text of a page: what is asked of it is 4.5, or 3 of large letters (WCAG 2.2, 1.4.3, level AA)."""

    name: str
    text: str
    ratio: float
    large: bool

    @property
    def enough(self) -> bool:
        return self.ratio >= (3.0 if self.large else 4.5)


def contrasts(page: Page) -> list[TextContrast]:
    """Every text that is shown now, whatever its element is."""
    found = page.evaluate(_LOOK)
    return [
        TextContrast(
            one["name"], one["text"], ratio(one["front"][:3], one["behind"][:3]), one["large"]
        )
        for one in found
    ]


def ratio(one: list[float], other: list[float]) -> float:
    """Contrast of two sRGB colours: 1 for equal ones to 21 for black and white."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: list[float]) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
