#!/bin/bash
# START_SCRIPTS of the image: prepares the template of IBC's config.ini, which run.sh fills in afterwards.
#
# IBC's command server is off in the template and has no variable. Loopback only: the sentinel and the
# preStop hook are the two that speak to it.
# User name and password are written in here and not by run.sh, which knows no file for the name. IBC
# reads config.ini as Java properties in Latin-1, where a backslash, a leading blank or an umlaut would
# become something else. As \uXXXX every character arrives as it is; and nothing of it is an argument of
# a process.
set -u
LC_ALL=C
template=${IBC_INI_TMPL:-$HOME/ibc/config.ini.tmpl}

# The bytes of the input, UTF-8, as Java's escapes for UTF-16.
escaped() {
  local byte code=0 left=0
  while read -r byte; do
    if ((left > 0)); then
      ((code = code << 6 | (byte & 63), left -= 1))
    elif ((byte < 128)); then
      code=$byte
    elif ((byte < 224)); then
      ((code = byte & 31, left = 1))
    elif ((byte < 240)); then
      ((code = byte & 15, left = 2))
    else
      ((code = byte & 7, left = 3))
    fi
    ((left > 0)) && continue
    if ((code > 65535)); then
      printf '\\u%04x' $((55232 + (code >> 10)))
      ((code = 56320 | (code & 1023)))
    fi
    printf '\\u%04x' "$code"
  done < <(od -An -v -tu1 -w1)
}

# A value as IBC shall have it; line ends at its end come from the tool that made the Secret.
credential() {
  local value=$1
  while [[ $value == *[$'\r\n'] ]]; do
    value=${value%?}
  done
  printf '%s' "$value" | escaped
}

# Both from one state of the Secret: the kubelet replaces mounted files together, by turning the link
# `..data`. A new user name with the old password would be a refused login, and so a step to a lock-out.
read_pair() {
  local folder=${TWS_USERID_FILE%/*} state left=20
  while ((left > 0)); do
    ((left -= 1))
    state=$folder
    [[ -L $folder/..data ]] && state=$folder/$(readlink "$folder/..data")
    if [[ -r $state/${TWS_USERID_FILE##*/} && -r $state/${TWS_PASSWORD_FILE##*/} ]] &&
      user=$(<"$state/${TWS_USERID_FILE##*/}") && password=$(<"$state/${TWS_PASSWORD_FILE##*/}") &&
      [[ -n $user && -n $password ]]; then
      return
    fi
    sleep 0.1
  done
  echo "user name and password can't be read: no login is tried with half of them"
  exit 1
} 2>/dev/null

user=${TWS_USERID:-} password=${TWS_PASSWORD:-}
if [[ -n ${TWS_USERID_FILE:-} ]]; then
  read_pair
elif [[ -n ${TWS_PASSWORD_FILE:-} ]]; then
  password=$(<"$TWS_PASSWORD_FILE")
fi
user=$(credential "$user") password=$(credential "$password")

umask 077
while IFS= read -r line || [[ -n $line ]]; do
  case $line in
    IbLoginId=*) [[ -n $user ]] && line="IbLoginId=$user" ;;
    IbPassword=*) [[ -n $password ]] && line="IbPassword=$password" ;;
    CommandServerPort=*) line=CommandServerPort=7462 ;;
    BindAddress=*) line=BindAddress=127.0.0.1 ;;
  esac
  printf '%s\n' "$line"
done <"$template" >"$template.new"
mv -f "$template.new" "$template"

# run.sh writes the zone into jts.ini only where there is none yet, so one on an old volume would mask a
# changed spec: IB Gateway would restart itself at another hour than everybody else counts with.
mend_zone() {
  local ini=${TWS_SETTINGS_PATH:-}/jts.ini line found=''
  [[ -n ${TIME_ZONE:-} && -f $ini ]] || return 0
  while IFS= read -r line || [[ -n $line ]]; do
    case $line in
      TimeZone=*) found=${line#TimeZone=} line=TimeZone=$TIME_ZONE ;;
    esac
    printf '%s\n' "$line"
  done <"$ini" >"$ini.new"
  if [[ -z $found || $found == "$TIME_ZONE" ]]; then
    rm -f "$ini.new"
  elif mv -f "$ini.new" "$ini"; then
    echo "jts.ini had TimeZone=$found and masked TIME_ZONE=$TIME_ZONE (spec.gateway.timeZone): it is corrected"
  fi
}
mend_zone
