#!/bin/bash
# Starts the Gateway in IBC's care and starts it again when IBC says so.
#
# Afterwards, in this order: login dialog not shown (88) or a cold restart asked for: again, with
# the credentials; an autorestart file: again, with the token, unless paused; push answered but
# login stalled (87): again if the action is restart; anything else: done, with IBC's exit code.
python="${SIMULATOR_PYTHON:-python3}"
session="$(head -c 6 /dev/urandom | base64 | tr -dc 'A-Za-z0-9')"
flags="${TMPDIR:-/tmp}"
restart=""
export IBC_SESSION_ID="$session" IBC_FLAGS="$flags"

forward() { [ -z "$java_pid" ] || kill -TERM "$java_pid" 2>/dev/null; }
trap forward SIGTERM

several_files() {
	local stars
	stars="$(printf '*%.0s' {1..79})"
	printf '%s\n' "$stars" \
		"WARNING: More than one autorestart file was found. IBC can't determine which is" \
		"         the right one, so they've all been deleted. Full authentication will" \
		"         be required." "$stars"
}

find_auto_restart() {
	local files=("$TWS_SETTINGS_PATH"/*/autorestart)
	echo "Finding autorestart file"
	restart=""
	if [ ! -f "${files[0]}" ]; then
		echo "autorestart file not found: full authentication will be required"
	elif [ "${#files[@]}" -gt 1 ]; then
		echo "autorestart file found at ${files[0]}: authentication will not be required"
		printf 'WARNING: deleting extra autorestart file found at %s\n' "${files[@]:1}"
		echo "WARNING: deleting first autorestart file found"
		rm -f "${files[@]}"
		several_files
	else
		echo "autorestart file found at ${files[0]}: authentication will not be required"
		restart="$(basename "$(dirname "${files[0]}")")"
		echo "AUTORESTART_OPTION is -Drestart=${restart}"
		return 0
	fi
	echo
	return 1
}

start_gateway() {
	echo "Starting Gateway with this command:"
	printf '"%s" -m ibgateway_simulator gateway "%s"%s\n\n' \
		"$python" "$IBC_INI" "${restart:+ -Drestart=$restart}"
	"$python" -m ibgateway_simulator gateway "$IBC_INI" ${restart:+"-Drestart=$restart"} &
	java_pid=$!
	wait "$java_pid"
	code=$?
	while kill -0 "$java_pid" 2>/dev/null; do
		wait "$java_pid"
		code=$?
	done
	java_pid=""
	echo "IBC returned exit status ${code}"
}

echo "Parsing arguments"
echo
echo "================================================================================"
echo
echo "Starting IBC version  on $(date '+%F at %T')"
echo
echo "Operating system: $(uname -a)"
echo
printf '%s\n' "Arguments:" "" "TWS version = ${TWS_MAJOR_VRSN}" "Program = Gateway" \
	"Entry point = ibcalpha.ibc.IbcGateway" "--tws-path = ${TWS_PATH}" \
	"--tws-settings-path = ${TWS_SETTINGS_PATH}" "--ibc-path = ${IBC_PATH}" \
	"--ibc-ini = ${IBC_INI}" "--mode = " "--java-path = " "--user =" "--pw =" "--fix-user =" \
	"--fix-pw =" "" "================================="
find_auto_restart
while true; do
	start_gateway
	if [ "$code" -eq 88 ]; then
		restart=""
	elif [ -f "${flags}/COLDRESTART${session}" ]; then
		rm -f "${flags}/COLDRESTART${session}"
		restart=""
		echo "IBC will cold-restart shortly"
	elif find_auto_restart; then
		if [ -f "${flags}/PAUSE${session}" ]; then
			rm -f "${flags}/PAUSE${session}"
			echo "IBC is paused"
			break
		fi
	elif [ "$code" -ne 87 ] || [ "${TWOFA_TIMEOUT_ACTION:-exit}" != restart ]; then
		break
	fi
	echo "IBC will restart shortly"
	echo "sleep 2"
done
echo "Gateway finished"
echo
exit "$code"
