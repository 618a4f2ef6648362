// What a person may ask for: a row each with its cost, the command that does it elsewhere, and a
// button once the password was shown. The key to the buttons lives in this page's memory only.

import { gateway, write } from "./status.js";
import { subprotocols } from "./options.js";

const element = (id) => document.getElementById(id);
const LIMIT = 8000;
let key = "";
let watching = false;
let secrets = { token: null, password: null };
let pending = null;
let early = false; // the screen's password was shown, and there were no buttons to unlock yet

async function send(method, path, body, headers = {}) {
  return fetch(path, {
    method,
    cache: "no-store",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(LIMIT),
  });
}

// Shows the password for a key; gives the words of a refusal, or nothing.
export async function unlock(shown) {
  secrets = shown;
  early = false;
  if (watching || key || shown.password === null) return "";
  if (!gateway().buttons) {
    early = true;
    return "";
  }
  const body = { password: shown.password, protocols: subprotocols(shown.token) };
  try {
    const answer = await send("POST", "key", body);
    const said = await answer.json();
    if (answer.ok) key = said.key;
    offer();
    return answer.ok ? "" : said.text;
  } catch {
    return "The console does not answer.";
  }
}

export function lock() {
  if (key) send("DELETE", "key", {}, { "X-Console-Key": key }).catch(() => {});
  key = "";
  early = false;
  offer();
}

export function begin({ viewOnly, token }) {
  watching = viewOnly;
  secrets.token = token;
}

// Rows are kept as long as they say the same: a button that has the focus keeps it.
export function offer() {
  const { offers = [], buttons = false, withheld = "" } = gateway();
  if (early && buttons) unlock(secrets);
  element("asks").hidden = offers.length === 0;
  write("withheld", withheld);
  element("withheld").hidden = withheld === "" || watching;
  element("unlock").hidden = !buttons || watching || key !== "";
  const list = element("offers");
  const wanted = JSON.stringify([offers, key !== "", watching, buttons]);
  if (list.dataset.shown === wanted) return;
  const focused = document.activeElement?.dataset?.action;
  list.dataset.shown = wanted;
  list.replaceChildren(...offers.map((one) => row(one, buttons && !watching)));
  if (focused) list.querySelector(`[data-action="${focused}"]`)?.focus();
}

function row(one, buttons) {
  const item = document.createElement("li");
  const main = buttons && one.action ? document.createElement("button") : document.createElement("strong");
  main.textContent = one.label;
  if (main.tagName === "BUTTON") {
    main.type = "button";
    main.dataset.action = one.action;
    main.disabled = key === "" || one.refused !== "";
    main.addEventListener("click", () => confirm(one));
  }
  item.append(main, text(one.refused ? `not now: ${one.refused}` : `costs ${one.cost}`));
  if (one.command) item.append(command(one.command));
  if (one.note) item.append(text(one.note));
  return item;
}

function text(words) {
  const span = document.createElement("span");
  span.textContent = words;
  return span;
}

function command(line) {
  const span = document.createElement("span");
  span.className = "command";
  const code = document.createElement("code");
  code.textContent = line;
  code.tabIndex = 0;
  const copy = document.createElement("button");
  copy.type = "button";
  copy.textContent = "Copy";
  copy.setAttribute("aria-label", `Copy ${line}`);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(line);
      write("asked", "Copied.");
    } catch {
      getSelection().selectAllChildren(code);
      write("asked", "Selected: copy it with the keyboard.");
    }
  });
  span.append(code, copy);
  return span;
}

function confirm(one) {
  pending = one;
  write("confirm-title", one.label);
  write("confirm-text", `This costs ${one.cost}.`);
  element("confirm-span").hidden = one.action !== "handover";
  element("confirm").showModal();
  element("confirm-no").focus();
}

// The console says 202 where the press was taken, and begins its own 503 with "Not known:". What else is no refusal comes
// from a proxy before it, which may have handed the press on.
function outcome(answer, said) {
  if (answer.status === 202) return `Asked for: ${pending.label}.`;
  if (answer.status === 503 && said.startsWith("Not known:")) return said;
  if (answer.ok || answer.status >= 500) {
    return "Not known: no word of the console's. Look at what goes on before asking again.";
  }
  return `Not done: ${said}`;
}

element("confirm-no").addEventListener("click", () => element("confirm").close());
element("confirm-yes").addEventListener("click", async () => {
  element("confirm").close();
  const minutes = Number(element("confirm-minutes").value) || 30;
  // What was said to cost nothing is not done where it costs a push by now.
  const body = { action: pending.action, pushAgreed: pending.pushes !== "" };
  if (pending.action === "handover") body.minutes = minutes;
  write("asked", "Asking…");
  try {
    const answer = await send("POST", "asked", body, { "X-Console-Key": key });
    if (answer.status === 403) key = "";
    write("asked", outcome(answer, (await answer.text()).trim()));
  } catch {
    write("asked", "Not known: the console does not answer. Look at what goes on before asking again.");
  }
  offer();
});

element("unlock").addEventListener("submit", async (event) => {
  event.preventDefault();
  const password = element("unlock-secret").value;
  element("unlock-secret").value = "";
  write("unlock-message", await unlock({ ...secrets, password }));
});
