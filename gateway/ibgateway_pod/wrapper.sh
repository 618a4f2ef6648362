#!/bin/bash
# PID 1 of the gateway container: no run.sh without a permit.
#
# Waits for a one-time permit of the sentinel, runs the image's run.sh as a child, forwards TERM to it
# and ends with its code; the kubelet then starts the container anew, and the new start waits again.
# bash stays PID 1 because the kernel ends tee with it: the last lines of a run would be lost.
# Speaks to the sentinel through files in the run directory; each is written aside and renamed. They
# outlive a killed container and even the node's reboot, so each names the start that it is meant for.
set -u
run_dir=${SENTINEL_RUN_DIR:-/run/ibgateway}
settings=${TWS_SETTINGS_PATH:-$HOME/Jts}
log=$run_dir/gateway.log
# The random part keeps two starts apart when the clock is set back.
started=${EPOCHREALTIME/[.,]/}
started=${started%???}-$RANDOM
permit_id='' permit_kind='' existing_session='' permit_start='' given='' expires=''
child='' signalled='' code='' beats=0 next_beat=0

say() {
  local line
  printf -v line '%(%Y-%m-%d %H:%M:%S)T:000 wrapper: %s' -1 "$1"
  printf '%s\n' "$line"
  printf '%s\n' "$line" >>"$log"
}

tell() {
  {
    printf 'state=%s\nstart=%s\npermit=%s\npid=%s\nexit=%s\n' \
      "$1" "$started" "$permit_id" "$child" "$code"
    printf 'token=%s\n' "$(token_at_hand && echo yes || echo no)"
  } >"$run_dir/wrapper.new"
  mv -f "$run_dir/wrapper.new" "$run_dir/wrapper"
}

# A sign of life while this start waits: the state file of a killed wrapper goes on saying "waiting".
# Written in place, without a process; the sentinel only looks whether it changes.
beat() {
  ((SECONDS >= next_beat)) || return
  next_beat=$((SECONDS + 1))
  ((beats += 1))
  printf '%s %s\n' "$started" "$beats" >"$run_dir/alive"
}

# The user name by which this start would log in, as a digest: a token is another user's where it has changed.
user_digest() {
  local user=${TWS_USERID:-}
  [[ -n ${TWS_USERID_FILE:-} ]] && user=$(<"$TWS_USERID_FILE")
  printf '%s' "$user" | sha256sum
} 2>/dev/null

# IBC takes exactly one autorestart file; of several it deletes all and logs in fully.
token_at_hand() {
  local files
  mapfile -t files < <(compgen -G "$settings/*/autorestart")
  ((${#files[@]} == 1)) || return
  [[ ! -e $settings/.token-of || $(<"$settings/.token-of") == "$(user_digest)" ]]
}

# A pause without a process: reads from a pipe that nobody writes to.
exec {idle}<> <(:)
pause() { read -r -t "$1" -u "$idle" _ || true; }

read_permit() {
  local key value
  permit_id='' permit_kind='' existing_session='' permit_start='' given='' expires=''
  while IFS='=' read -r key value; do
    case $key in
      id) permit_id=$value ;;
      kind) permit_kind=$value ;;
      existingSession) existing_session=$value ;;
      start) permit_start=$value ;;
      given) given=$value ;;
      expires) expires=$value ;;
    esac
  done <"$run_dir/permit.taken"
}

# Why the permit that was read is none for this start; nothing where it is one.
permit_fault() {
  if [[ -z $permit_start ]]; then
    printf 'it names no start, as those of an older sentinel: delete this pod to get its new version'
  elif [[ $permit_start != "$started" ]]; then
    printf 'it is for another start'
  elif ! [[ $given =~ ^[1-9][0-9]{0,11}$ && $expires =~ ^[1-9][0-9]{0,11}$ ]]; then
    printf 'it does not say until when'
  elif ((EPOCHSECONDS >= expires || EPOCHSECONDS < given - 2)); then
    # A clock that was set back would make an old permit young again.
    printf 'it has expired'
  elif ! [[ $permit_id =~ ^[0-9]+$ && $existing_session =~ ^(primary|secondary)$ ]]; then
    printf 'it makes no sense'
  elif [[ $permit_kind == token ]] && ! token_at_hand; then
    printf 'there is no token'
  elif [[ $permit_kind != full && $permit_kind != token ]]; then
    printf 'its kind is not known'
  fi
}

wait_for_permit() {
  local fault
  beat
  tell waiting
  say 'waiting for a permit'
  while [[ -z $signalled ]]; do
    beat
    if [[ -e $run_dir/permit ]] && mv "$run_dir/permit" "$run_dir/permit.taken" 2>/dev/null; then
      read_permit
      fault=$(permit_fault)
      if [[ -z $fault ]]; then
        return
      fi
      say "permit $permit_id does not hold: $fault"
      permit_id=''
      rm -f "$run_dir/permit.taken"
      tell waiting
    fi
    pause 0.2
  done
  say 'ended while waiting'
  exit 143
}

# shellcheck disable=SC2317 # a trap calls it
on_term() { signalled=yes; }

# The stop file names the start it is meant for: one that comes late never ends the next process.
told_to_stop() { [[ -e $run_dir/stop && $(<"$run_dir/stop") == "$started" ]]; }

# A token that did not log in is not tried again: IBC's start script would go on with it by itself.
drop_token() {
  [[ -e $run_dir/drop-token ]] || return
  if [[ $(<"$run_dir/drop-token") == "$started" ]]; then
    rm -f -- "$settings"/*/autorestart
    say 'the token that is of no use is removed'
    tell running
  fi
  rm -f "$run_dir/drop-token"
}

# A second TERM soon after the first would disturb run.sh's own way out, so it comes late; a run.sh
# that outlives them all is left behind: with PID 1 the kernel ends the whole container.
watch_child() {
  local next=0 limit=0
  while kill -0 "$child" 2>/dev/null; do
    drop_token
    if [[ -z $signalled ]] && told_to_stop; then
      say 'told to end the process'
      signalled=yes
      limit=$((SECONDS + 40))
    fi
    if [[ -n $signalled ]] && ((SECONDS >= next)); then
      kill -TERM "$child" 2>/dev/null
      next=$((SECONDS + 10))
    fi
    if ((limit > 0 && SECONDS >= limit)); then
      return
    fi
    pause 0.2
  done
}

drain() {
  local left=10
  while kill -0 "$1" 2>/dev/null && ((left > 0)); do
    ((left -= 1))
    pause 0.05
  done
}

rm -f "$run_dir"/{stop,planned-stop,drained,drop-token,may-pause,permit.taken}
trap on_term TERM INT
wait_for_permit

if [[ $permit_kind == full ]]; then
  rm -f -- "$settings"/*/autorestart
  user_digest >"$settings/.token-of"
fi
export EXISTING_SESSION_DETECTED_ACTION=$existing_session
say "permit $permit_id taken: $permit_kind, $existing_session"
exec {out}> >(exec tee -a "$log")
tee=$!
"$HOME/scripts/run.sh" >&"$out" 2>&1 {idle}<&- {out}>&- &
child=$!
exec {out}>&-
tell running
watch_child
if kill -0 "$child" 2>/dev/null; then
  code=137
else
  wait "$child"
  code=$?
fi
drain "$tee"
say "run.sh ended with $code"
tell ended
exit "$code"
