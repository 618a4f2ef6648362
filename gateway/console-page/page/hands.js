// Other ways in than a mouse and a desk's keyboard: a phone's keyboard, zoom and pan by touch, the
// clipboard, and a way out of the screen for who has only keys (the screen takes all of them).

import keysyms from "../novnc/core/input/keysymdef.js";

const element = (id) => document.getElementById(id);
// A character that the remote keyboard does not have makes the display's server change its key map:
// programs need a moment for that, so the keys come at a fast typist's pace.
const KEY_PAUSE = 40;
const BACKSPACE = 0xff08;
const NAMED = {
  Enter: 0xff0d, Tab: 0xff09, Escape: 0xff1b, Delete: 0xffff,
  ArrowLeft: 0xff51, ArrowUp: 0xff52, ArrowRight: 0xff53, ArrowDown: 0xff54, Home: 0xff50, End: 0xff57,
};
// What the hidden field holds, so that a phone's keyboard has something to delete.
const FILLER = "_".repeat(32);

let screen = () => null;
let queue = Promise.resolve();

// Keys in the order they were asked for, however fast.
function send(keys) {
  queue = keys.reduce(
    (before, key) =>
      before.then(() => {
        screen()?.sendKey(key);
        return new Promise((resolve) => setTimeout(resolve, KEY_PAUSE));
      }),
    queue,
  );
}

export function typeText(text) {
  send([...text].map((character) => keysyms.lookup(character.codePointAt(0))));
}

// A phone tells no key strokes but what its keyboard made of a text field: the difference is typed.
export function difference(before, after) {
  let same = 0;
  while (same < Math.min(before.length, after.length) && before[same] === after[same]) same += 1;
  return { back: before.length - same, text: after.slice(same) };
}

function fieldChanged() {
  const field = element("keys");
  const { back, text } = difference(field.dataset.before, field.value);
  send([
    ...Array(back).fill(BACKSPACE),
    ...[...text].map((character) => (character === "\n" ? NAMED.Enter : keysyms.lookup(character.codePointAt(0)))),
  ]);
  if (field.value.length < 8 || field.value.length > 200) field.value = FILLER;
  field.dataset.before = field.value;
}

function refill() {
  const field = element("keys");
  field.value = field.dataset.before = FILLER;
  field.setSelectionRange(FILLER.length, FILLER.length);
}

export function fit(rfb, zoomed) {
  rfb.scaleViewport = !zoomed;
  rfb.clipViewport = zoomed;
  rfb.dragViewport = zoomed;
  element("zoom").setAttribute("aria-pressed", String(zoomed));
  element("move").hidden = !zoomed;
  element("move").setAttribute("aria-pressed", String(zoomed));
}

export function begin(current, viewOnly) {
  screen = current;
  for (const id of ["keyboard", "clipboard-open", "type-open"]) element(id).hidden = viewOnly;
  element("zoom").addEventListener("click", () => {
    fit(screen(), element("zoom").getAttribute("aria-pressed") !== "true");
  });
  // Zoomed in, a finger either moves the picture or clicks in it.
  element("move").addEventListener("click", () => {
    const moves = !screen().dragViewport;
    screen().dragViewport = moves;
    element("move").setAttribute("aria-pressed", String(moves));
  });
  element("keyboard").addEventListener("click", () => {
    refill();
    element("keys").focus();
  });
  element("keys").addEventListener("input", fieldChanged);
  element("keys").addEventListener("keydown", (event) => {
    if (!(event.key in NAMED) || event.isComposing) return;
    event.preventDefault();
    send([NAMED[event.key]]);
  });
  element("clipboard-send").addEventListener("click", () => paste(element("clipboard-text").value));
  element("clipboard-open").addEventListener("click", () => openPanel("clipboard", element("clipboard").hidden));
  addEventListener("keydown", leave, { capture: true });
}

// x11vnc takes plain cut text alone, though the library under it offers the extended clipboard and then
// drops what it is sent: the offer is forgotten before each use.
function paste(text) {
  const rfb = screen();
  if (!rfb) return;
  rfb._clipboardServerCapabilitiesFormats = {};
  rfb.clipboardPasteFrom(text);
}

export function openPanel(name, open) {
  element(name).hidden = !open;
  element(`${name}-open`).setAttribute("aria-expanded", String(open));
  if (open) element(`${name}-text`).focus();
}

export function copied(text) {
  element("clipboard-text").value = text;
}

// The screen takes Tab too, so there has to be a chord that is never sent to it.
function leave(event) {
  if (!(event.ctrlKey && event.altKey && event.key === "Escape")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  screen()?.blur();
  element("type-open").hidden ? element("fullscreen").focus() : element("type-open").focus();
}
