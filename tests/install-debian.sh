#!/bin/sh
# Installs, by name, what the tests above the unit tier start as real programs. Does nothing where
# everything is there already.
#   chromium            the browser that opens the console's page
#   xvfb x11vnc         a screen and its VNC server, as inside the gateway's image
#   xdotool             the hands of a person on that screen
#   python3-tk          windows on that screen
#   fonts-dejavu-core   letters in browser and windows
#   socat gettext-base procps   what the gateway image's scripts call
set -eu
packages="chromium fonts-dejavu-core gettext-base procps python3-tk socat x11vnc xdotool xvfb"
missing=""
for package in $packages; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
  echo "These tests need Debian's packages$missing (or the same programs under the same names)." >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "These tests need packages that only root can install: apt-get install$missing" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 - a list of names
apt-get install -q -y --no-install-recommends $missing
