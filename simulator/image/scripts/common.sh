#!/bin/bash
# Settings and steps of run.sh. Names and defaults are those of the image that this one stands in for.

export DISPLAY="${SIMULATOR_DISPLAY:-:1}"
export TWS_MAJOR_VRSN="${TWS_MAJOR_VRSN:-10.45.1j}"
export TWS_PATH="${TWS_PATH:-$HOME/Jts}"
export TWS_INI="${TWS_INI:-jts.ini}"
export IBC_PATH="${IBC_PATH:-$HOME/ibc}"
export IBC_INI="${IBC_INI:-$HOME/ibc/config.ini}"
export IBC_INI_TMPL="${IBC_INI_TMPL:-$HOME/ibc/config.ini.tmpl}"
export TWOFA_TIMEOUT_ACTION="${TWOFA_TIMEOUT_ACTION:-exit}"
export TZ="${TZ:-Etc/UTC}"
: "${TRADING_MODE:=paper}"
: "${RELOGIN_AFTER_TWOFA_TIMEOUT:=no}"
: "${TWOFA_EXIT_INTERVAL:=60}"
: "${EXISTING_SESSION_DETECTED_ACTION:=primary}"

# NAME or NAME_FILE, never both; afterwards NAME holds the value.
file_env() {
	local name="$1" file_name="$1_FILE"
	if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
		echo "error: both ${name} and ${file_name} are set (but are exclusive)"
		exit 1
	fi
	if [ -n "${!file_name:-}" ]; then
		printf -v "$name" '%s' "$(<"${!file_name}")"
	fi
}

run_scripts() {
	[ -n "$1" ] || return 0
	local folder="$HOME/$1" script
	echo "> Running start up scripts on ${folder}"
	for script in "$folder"/*.sh; do
		[ -f "$script" ] || continue
		echo "> Running ${script}"
		bash "$script"
	done
}

wait_x_socket() {
	local socket="/tmp/.X11-unix/X${DISPLAY#:}" tries=0
	echo ".> Waiting for Xvfb socket on ${DISPLAY}..."
	until [ -S "$socket" ]; do
		tries=$((tries + 1))
		if [ "$tries" -gt 200 ]; then
			echo "Error: Timed out waiting for Xvfb socket!"
			exit 1
		fi
		sleep 0.05
	done
	echo ".> Xvfb socket ready!"
}

start_xvfb() {
	echo ".> Starting Xvfb server"
	rm -f "/tmp/.X${DISPLAY#:}-lock" "/tmp/.X11-unix/X${DISPLAY#:}"
	Xvfb "$DISPLAY" -ac -screen 0 1024x768x16 &
	xvfb_pid=$!
}

# The password goes into a file: as an argument everybody in the pod could read it.
start_vnc() {
	wait_x_socket
	file_env VNC_SERVER_PASSWORD
	if [ -z "${VNC_SERVER_PASSWORD:-}" ]; then
		echo ".> VNC server disabled"
		return
	fi
	echo ".> Starting VNC server"
	(umask 077 && printf '%s\n' "$VNC_SERVER_PASSWORD" >"$HOME/.vnc_password")
	unset VNC_SERVER_PASSWORD
	x11vnc -display "$DISPLAY" -forever -shared -noipv6 -no6 \
		-rfbport "${SIMULATOR_VNC_PORT:-5900}" -rfbportv6 -1 ${SIMULATOR_VNC_BIND:+-listen "$SIMULATOR_VNC_BIND"} \
		-passwdfile "$HOME/.vnc_password" &
	vnc_pid=$!
}

set_ports() {
	case "$TRADING_MODE" in
	live) API_PORT="${SIMULATOR_LIVE_PORT:-4001}" SOCAT_PORT="${SIMULATOR_LIVE_SOCAT_PORT:-4003}" ;;
	paper) API_PORT="${SIMULATOR_PAPER_PORT:-4002}" SOCAT_PORT="${SIMULATOR_PAPER_SOCAT_PORT:-4004}" ;;
	*)
		echo ".> Invalid TRADING_MODE: ${TRADING_MODE}"
		exit 1
		;;
	esac
	export API_PORT SOCAT_PORT
	echo ".> API_PORT set to: ${API_PORT}"
	echo ".> SOCAT_PORT set to: ${SOCAT_PORT}"
}

# config.ini and, when there is none yet, jts.ini. The password leaves the environment here.
apply_settings() {
	echo ".> Appling settings to IBC's config.ini"
	file_env TWS_PASSWORD
	(
		umask 077
		rm -f "$IBC_INI"
		TWS_PASSWORD="${TWS_PASSWORD:-}" TWS_USERID="${TWS_USERID:-}" TRADING_MODE="$TRADING_MODE" \
			RELOGIN_AFTER_TWOFA_TIMEOUT="$RELOGIN_AFTER_TWOFA_TIMEOUT" \
			TWOFA_EXIT_INTERVAL="$TWOFA_EXIT_INTERVAL" \
			EXISTING_SESSION_DETECTED_ACTION="$EXISTING_SESSION_DETECTED_ACTION" \
			envsubst <"$IBC_INI_TMPL" >"$IBC_INI"
	)
	unset TWS_PASSWORD
	if [ -n "${TWS_SETTINGS_PATH:-}" ]; then
		echo ".> Settings directory set to: ${TWS_SETTINGS_PATH}"
		if [ ! -d "$TWS_SETTINGS_PATH" ]; then
			echo ".> Creating directory: ${TWS_SETTINGS_PATH}"
			mkdir "$TWS_SETTINGS_PATH"
		fi
	else
		export TWS_SETTINGS_PATH="$TWS_PATH"
		echo ".> Settings directory NOT set, defaulting to: ${TWS_SETTINGS_PATH}"
	fi
	if [ ! -f "${TWS_SETTINGS_PATH}/${TWS_INI}" ]; then
		echo ".> Setting timezone in ${TWS_SETTINGS_PATH}/${TWS_INI}"
		TIME_ZONE="${TIME_ZONE:-Etc/UTC}" envsubst <"${TWS_PATH}/${TWS_INI}.tmpl" \
			>"${TWS_SETTINGS_PATH}/${TWS_INI}"
	fi
}

port_forwarding() {
	echo ".> Starting Port Forwarding."
	echo ".> Starting socat"
	"$HOME/scripts/run_socat.sh" &
	socat_pid=$!
}

start_ibc() {
	echo ".> Starting IBC in ${TRADING_MODE} mode, with params:"
	printf '.>\t\t%s: %s\n' \
		Version "$TWS_MAJOR_VRSN" program gateway tws-path "$TWS_PATH" ibc-path "$IBC_PATH" \
		ibc-init "$IBC_INI" tws-settings-path "$TWS_SETTINGS_PATH" \
		on2fatimeout "$TWOFA_TIMEOUT_ACTION"
	"$IBC_PATH/scripts/ibcstart.sh" &
	ibc_pid=$!
	echo "$ibc_pid" >"${TMPDIR:-/tmp}/pid_${TRADING_MODE}"
}
