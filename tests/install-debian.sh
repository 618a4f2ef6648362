#!/bin/sh
# Installs, by name, what the tests above the unit tier start as real programs. Does nothing where
# everything is there already.
#   chromium            the browser that opens the console's page
#   xvfb x11vnc         a screen and its VNC server, as inside the gateway's image
#   xdotool             the hands of a person on that screen
#   python3-tk          windows on that screen
#   openssl             the password's answer of a viewer that is no browser
#   gcc libc6-dev       the library that keeps what was synced, in the crash campaign
#   fonts-dejavu-core   letters in browser and windows
#   socat gettext-base procps   what the gateway image's scripts call
#   postgresql          a database for the ledger; the tests start servers of their own
#   promtool            checks alerts; taken out of Debian's prometheus, which would start a server
# With the argument `prometheus` also the server's program, which records the dashboard's picture.
set -eu
packages="chromium fonts-dejavu-core gcc gettext-base libc6-dev openssl postgresql procps python3-tk socat x11vnc xdotool xvfb"
missing=""
for package in $packages; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
programs=""
for program in promtool "$@"; do
  command -v "$program" >/dev/null || programs="$programs $program"
done
[ -n "$missing$programs" ] || exit 0
if ! command -v apt-get >/dev/null; then
  echo "These tests need Debian's packages$missing$programs (or the same programs under the same names)." >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "These tests need packages that only root can install: apt-get install$missing$programs" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 - a list of names
[ -z "$missing" ] || apt-get install -q -y --no-install-recommends $missing
if [ -n "$programs" ]; then
  aside=$(mktemp -d)
  trap 'rm -rf "$aside"' EXIT
  chown _apt "$aside" 2>/dev/null || true
  cd "$aside"
  apt-get download -q prometheus
  for program in $programs; do
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x -C "$aside" "./usr/bin/$program"
    install -m 755 "$aside/usr/bin/$program" "/usr/local/bin/$program"
  done
fi
