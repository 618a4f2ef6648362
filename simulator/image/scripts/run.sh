#!/bin/bash
# Start script of the image: X, VNC, port forwarding, then IBC and the Gateway in its care.
# The trap is set last, as in the image that this one stands in for: SIGTERM before that is lost
# on process 1. It stops X before IBC, so that SIGTERM is no clean logout.
set -Eeo pipefail

# shellcheck source=simulator/image/scripts/common.sh
source "$HOME/scripts/common.sh"

stop_ibc() {
	trap - SIGINT SIGTERM
	echo ".> 😘 Received SIGINT or SIGTERM. Shutting down IB Gateway."
	if [ -n "${vnc_pid:-}" ] && kill -0 "$vnc_pid" 2>/dev/null; then
		echo ".> Stopping x11vnc."
		kill "$vnc_pid"
	fi
	echo ".> Stopping Xvfb."
	kill "$xvfb_pid" || true
	echo ".> Stopping socat."
	kill "$socat_pid" || true
	echo ".> Stopping IBC."
	kill "$ibc_pid" || true
	code=0
	wait "$ibc_pid" || code=$?
	exit "$code"
}

echo "*************************************************************************"
echo ".> Starting IBC/IB gateway"
echo "*************************************************************************"
run_scripts "${START_SCRIPTS:-}"
start_xvfb
echo ".> SSH tunnel disabled"
if [ -n "${JAVA_HEAP_SIZE:-}" ]; then
	echo ".> Setting Java heap size to ${JAVA_HEAP_SIZE}m"
else
	echo ".> Usign default Java heap size 768m."
fi
start_vnc
run_scripts "${X_SCRIPTS:-}"
set_ports
apply_settings
port_forwarding
start_ibc
run_scripts "${IBC_SCRIPTS:-}"
trap stop_ibc SIGINT SIGTERM
code=0
wait "$ibc_pid" || code=$?
exit "$code"
