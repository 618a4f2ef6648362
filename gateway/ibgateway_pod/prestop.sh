#!/bin/bash
# preStop of the gateway container: a clean logout before the kubelet's TERM, for a drained node, a suspend, a deletion.
# Where the sentinel says that the week's token lives, by IBC's PAUSE: the token stays on the volume, and the next pod
# logs in without a push, on whichever node. PAUSE acts at a full minute; STOP acts at once and costs the token.
# The image's own answer to TERM ends the X server first, which strands the session at IBKR, and a
# TERM close behind a STOP breaks the clean close: so this waits until run.sh has ended.
# Before that the executor drains: the sentinel tells it of the stop, and this pod when nothing is on its way any more.
set -u
run_dir=${SENTINEL_RUN_DIR:-/run/ibgateway}
port=${IBC_COMMAND_PORT:-7462}
limit=${PRESTOP_SECONDS:-170}
pause_limit=${PRESTOP_PAUSE_SECONDS:-110}

drained_by=$((SECONDS + ${PRESTOP_DRAIN_SECONDS:-20}))

value_of() { sed -n "s/^$1=//p" "$run_dir/wrapper" 2>/dev/null | head -n 1; }

# Whether IBC takes a command; nobody listens before it has started.
told() {
  local ibc answer=''
  exec {ibc}<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf '%s\n' "$1" >&"$ibc"
  read -r -t 10 -u "$ibc" answer || true
  exec {ibc}>&-
  [[ $answer == OK* ]]
} 2>/dev/null

# Whether run.sh has ended, after so many seconds at most.
ended_within() {
  local deadline=$((SECONDS + $1))
  while kill -0 "$child" 2>/dev/null; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}

rm -f "$run_dir/drained"
: >"$run_dir/planned-stop"
if [[ "$(value_of state)" != running ]]; then
  exit 0
fi
child=$(value_of pid)
# A sentinel that is away tells nobody: then a stop that was asked for is not put off for ever.
until [[ -e $run_dir/drained ]] || ((SECONDS >= drained_by)); do
  sleep 0.1
done
if [[ "$(value_of start)" == "$(cat "$run_dir/may-pause" 2>/dev/null)" ]] && told PAUSE; then
  ended_within "$pause_limit" && exit 0
fi
told STOP && ended_within "$((limit > SECONDS ? limit - SECONDS : 1))"
exit 0
