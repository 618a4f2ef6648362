// The console's page: asks for what is missing, shows the gateway's window, and tries again by
// itself when the display goes away (the gateway restarts every night).

import RFB from "../novnc/core/rfb.js";
import { begin, lock, offer, unlock } from "./actions.js";
import * as hands from "./hands.js";
import { openPanel, typeText } from "./hands.js";
import { readOptions, subprotocols, takeToken } from "./options.js";
import { follow, gateway, write } from "./status.js";

// Close codes of the bridge after which a person must do something; all others are tried again.
const ASKS_TOKEN = 4401;
const ASKS_PASSWORD = 4403;
const NO_SCREEN = new Set([4503, 4504, 4505]);
const STOPS = new Set([4400, 4407, 4408, 4429, 4430]);
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
  if (state !== "connected") {
    openTyping(false);
    openPanel("clipboard", false);
  }
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
  rfb.addEventListener("clipboard", ({ detail }) => hands.copied(detail.text));
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
  if (element("zoom").getAttribute("aria-pressed") === "true") hands.fit(rfb, true);
  if (options.quality !== null) rfb.qualityLevel = options.quality;
  if (options.compression !== null) rfb.compressionLevel = options.compression;
}

function connected() {
  tries = 0;
  element("ask").hidden = true;
  screenless = false;
  show("connected", options.viewOnly ? "Screen connected, view only" : "Screen connected");
  unlock(secrets);
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
  openPanel("type", open);
  element("type-text").value = "";
  if (!open) rfb?.focus();
}

element("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  secrets[asked] = element("ask-secret").value;
  element("ask-secret").value = "";
  element("ask-message").textContent = "";
  element("ask").hidden = true;
  if (rfb !== null) {
    rfb.sendCredentials({ password: secrets.password });
  } else {
    connect();
  }
});
element("type").addEventListener("submit", (event) => {
  event.preventDefault();
  typeText(element("type-text").value);
  openTyping(false);
});
element("type-open").addEventListener("click", () => openTyping(element("type").hidden));
element("type-show").addEventListener("change", (event) => {
  element("type-text").type = event.target.checked ? "text" : "password";
});
element("fullscreen").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
element("disconnect").addEventListener("click", () => {
  leaving = true;
  lock();
  rfb.disconnect();
});

follow(() => {
  if (screenless && gateway().noScreen) write("hint", gateway().noScreen);
  offer();
});
begin({ viewOnly: options.viewOnly, token: secrets.token });
hands.begin(() => rfb, options.viewOnly);
if (options.autoconnect) connect();
else ask("password", "");
