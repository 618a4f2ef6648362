// What the address may ask for. Only display preferences are honoured: where to connect is never
// taken from the address, so a crafted link cannot point this page at another server.

const YES = new Set(["", "1", "true", "yes", "on"]);

const yes = (query, name, otherwise) =>
  query.has(name) ? YES.has(query.get(name).toLowerCase()) : otherwise;

const level = (query, name) =>
  /^[0-9]$/.test(query.get(name) ?? "") ? Number(query.get(name)) : null;

export function readOptions(search) {
  const query = new URLSearchParams(search);
  const resize = query.get("resize");
  return Object.freeze({
    autoconnect: yes(query, "autoconnect", false),
    reconnect: yes(query, "reconnect", true),
    shared: yes(query, "shared", true),
    viewOnly: yes(query, "view_only", false),
    resize: ["scale", "remote", "off"].includes(resize) ? resize : "scale",
    quality: level(query, "quality"),
    compression: level(query, "compression"),
  });
}

// The token travels in the fragment, which browsers never send; it leaves the address bar at once,
// so that it stays out of the history, bookmarks and screenshots.
export function takeToken(location, history) {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

// Browsers let a page set no header of a WebSocket but the subprotocols.
export function subprotocols(token) {
  if (!token) return ["binary"];
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  const text = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return ["binary", `token.${text}`];
}
