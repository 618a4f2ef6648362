// The console's page: asks for what is missing, shows the gateway's window, and tries again by
// itself when the display goes away (the gateway restarts every night).

import RFB from "../novnc/core/rfb.js";
import keysyms from "../novnc/core/input/keysymdef.js";
import { readOptions, subprotocols, takeToken } from "./options.js";
import { follow, gateway, write } from "./status.js";

// Close codes of the bridge after which a person must do something; all others are tried again.
const ASKS_TOKEN = 4401;
const ASKS_PASSWORD = 4403;
const NO_SCREEN = new Set([4503, 4504, 4505]);
const STOPS = new Set([4400, 4408, 4429, 4430]);
const UNREACHABLE = "The console can't be reached, trying again.";
const RETRY_MILLISECONDS = [1000, 2000, 3000, 5000];

const element = (id) => document.getElementById(id);
const options = readOptions(location.search);
// Secrets live in this page's memory only and are gone with it.
const secrets = { token: takeToken(location, history), password: null };
let rfb = null;
let asked = "password";
let tries = 0;
let timer = 0;
let leaving = false;
let screenless = false;

function show(state, text) {
  element("state").dataset.state = state;
  write("state", text);
  write("hint", (screenless && gateway().noScreen) || text);
  element("hint").hidden = state !== "waiting";
  element("tools").hidden = state !== "connected";
  if (state !== "connected") openTyping(false);
}

function ask(what, message) {
  asked = what;
  element("ask-label").textContent = what === "token" ? "Access token" : "VNC password";
  element("ask-message").textContent = message;
  element("ask").hidden = false;
  element("ask-secret").focus();
}

function connect() {
  clearTimeout(timer);
  leaving = false;
  element("ask").hidden = true;
  if (tries === 0) show("connecting", "Connecting the screen…");
  const endpoint = new URL("websockify", location.href);
  endpoint.protocol = endpoint.protocol.replace("http", "ws");
  endpoint.search = endpoint.hash = "";
  const socket = new WebSocket(endpoint, subprotocols(secrets.token));
  let closed = { code: 1006, reason: "" };
  socket.addEventListener("close", (event) => { closed = event; });
  const credentials = secrets.password === null ? {} : { password: secrets.password };
  rfb = new RFB(element("screen"), socket, { shared: options.shared, credentials });
  applyOptions();
  rfb.addEventListener("connect", connected);
  rfb.addEventListener("credentialsrequired", () => {
    screenless = false;
    show("waiting", "Waiting for the password");
    ask("password", "");
  });
  rfb.addEventListener("disconnect", () => disconnected(closed));
}

function applyOptions() {
  rfb.viewOnly = options.viewOnly;
  rfb.scaleViewport = options.resize === "scale";
  rfb.resizeSession = options.resize === "remote";
  rfb.background = "transparent";
  if (options.quality !== null) rfb.qualityLevel = options.quality;
  if (options.compression !== null) rfb.compressionLevel = options.compression;
}

function connected() {
  tries = 0;
  element("ask").hidden = true;
  screenless = false;
  show("connected", options.viewOnly ? "Screen connected, view only" : "Screen connected");
  rfb.focus();
}

function disconnected({ code, reason }) {
  rfb = null;
  screenless = NO_SCREEN.has(code);
  if (leaving) return rest("Screen not connected", "password", "");
  if (code === ASKS_TOKEN) return rest("Screen not connected", "token", reason);
  if (code === ASKS_PASSWORD) return rest("Screen not connected", "password", reason);
  if (STOPS.has(code) || !options.reconnect) return rest("Screen not connected", asked, reason);
  show("waiting", reason || UNREACHABLE);
  timer = setTimeout(connect, RETRY_MILLISECONDS[Math.min(tries++, RETRY_MILLISECONDS.length - 1)]);
}

function rest(text, what, message) {
  tries = 0;
  secrets[what] = null;
  show("idle", text);
  ask(what, message);
}

function openTyping(open) {
  element("type").hidden = !open;
  element("type-open").setAttribute("aria-expanded", String(open));
  element("type-text").value = "";
  if (open) element("type-text").focus();
  else rfb?.focus();
}

element("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  secrets[asked] = element("ask-secret").value;
  element("ask-secret").value = "";
  element("ask").hidden = true;
  if (rfb !== null) {
    rfb.sendCredentials({ password: secrets.password });
  } else {
    connect();
  }
});
// A character that the remote keyboard does not have makes the display's server change its key map:
// programs need a moment for that, so the keys come at a fast typist's pace.
const keyPause = 40;

async function typeText(text) {
  for (const character of text) {
    rfb?.sendKey(keysyms.lookup(character.codePointAt(0)));
    await new Promise((resolve) => setTimeout(resolve, keyPause));
  }
}

element("type").addEventListener("submit", (event) => {
  event.preventDefault();
  typeText(element("type-text").value);
  openTyping(false);
});
element("type-open").addEventListener("click", () => openTyping(element("type").hidden));
element("type-open").hidden = options.viewOnly;
element("type-show").addEventListener("change", (event) => {
  element("type-text").type = event.target.checked ? "text" : "password";
});
element("fullscreen").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
element("disconnect").addEventListener("click", () => {
  leaving = true;
  rfb.disconnect();
});

follow(() => {
  if (screenless && gateway().noScreen) write("hint", gateway().noScreen);
});
if (options.autoconnect) connect();
else ask("password", "");
