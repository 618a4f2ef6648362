#!/bin/bash
# preStop of the gateway container: a clean logout before the kubelet's TERM.
# The image's own answer to TERM ends the X server first, which strands the session at IBKR, and a
# TERM close behind a STOP breaks the clean close: so this waits until run.sh has ended.
set -u
run_dir=${SENTINEL_RUN_DIR:-/run/ibgateway}
port=${IBC_COMMAND_PORT:-7462}
limit=${PRESTOP_SECONDS:-100}

value_of() { sed -n "s/^$1=//p" "$run_dir/wrapper" 2>/dev/null | head -n 1; }

: >"$run_dir/planned-stop"
if [[ "$(value_of state)" != running ]]; then
  exit 0
fi
child=$(value_of pid)
# One second in which the executor hears of the hold before anything goes away.
sleep "${PRESTOP_HOLD_SECONDS:-1}"
if exec {ibc}<>"/dev/tcp/127.0.0.1/$port"; then
  printf 'STOP\n' >&"$ibc"
  read -r -t 10 -u "$ibc" _answer || true
  exec {ibc}>&-
else
  exit 0
fi 2>/dev/null
deadline=$((SECONDS + limit))
while kill -0 "$child" 2>/dev/null && ((SECONDS < deadline)); do
  sleep 0.2
done
exit 0
