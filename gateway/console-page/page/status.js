// What the console's server says of the gateway, shown as text, with its times in the viewer's own
// clock and zone. The server's clock comes along, so that a browser whose clock is wrong still
// counts down to the right moment.

const LOOK_MILLISECONDS = 2000;
const LOOK_LIMIT = 6000;
const element = (id) => document.getElementById(id);

const timeOfDay = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat("en-GB", {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

let told = { name: "", mode: "", login: "", words: "", noScreen: "", since: "", deadline: "", lines: [] };
let ahead = 0;

export const gateway = () => told;

// Only what differs is written: a text that somebody selects, or hears read, stays as it is.
export function write(id, text) {
  const at = element(id);
  if (at.textContent !== text) at.textContent = text;
}

export function when(text, now) {
  const at = new Date(text);
  return at.toDateString() === new Date(now).toDateString() ? timeOfDay.format(at) : dayAndTime.format(at);
}

export function left(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const two = (number) => String(number).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

export async function follow(changed) {
  try {
    const answer = await fetch("gateway", { cache: "no-store", signal: AbortSignal.timeout(LOOK_LIMIT) });
    if (!answer.ok) throw new Error(answer.status);
    told = await answer.json();
    if (told.at) ahead = Date.parse(told.at) - Date.now();
  } catch {
    const words = "The login is not known: the console does not answer";
    told = { ...told, login: "", words, noScreen: "", since: "", deadline: "", lines: [] };
  }
  show();
  changed();
  setTimeout(() => follow(changed), LOOK_MILLISECONDS);
}

function show() {
  const mode = told.mode.toUpperCase();
  write("name", told.name || "IB Gateway");
  write("mode", mode);
  element("mode").hidden = mode === "";
  document.body.dataset.mode = told.mode;
  document.title = [mode, told.name, "IB Gateway"].filter(Boolean).join(" · ");
  write("login", told.words);
  element("login").dataset.login = told.login;
  tick();
}

function tick() {
  const now = Date.now() + ahead;
  write("since", told.since ? `since ${when(told.since, now)}` : "");
  write("deadline", told.deadline ? `within ${left(Date.parse(told.deadline) - now)}` : "");
  element("bar").hidden = told.lines.length === 0;
  showLines(now);
}

function showLines(now) {
  const list = element("lines");
  while (list.children.length > told.lines.length) list.lastElementChild.remove();
  told.lines.forEach((line, place) => {
    const item = list.children[place] ?? list.appendChild(document.createElement("li"));
    const text = line.at ? line.text.replace("{at}", when(line.at, now)) : line.text;
    item.dataset.line = line.id;
    if (item.textContent !== text) item.textContent = text;
  });
}

setInterval(tick, 1000);
