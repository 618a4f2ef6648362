#!/bin/bash
# Keeps a port open that anybody reaches and that leads to the API port inside, from before the
# login on: until the API port answers, a connection is accepted and closed.
# $SOCAT_BIND narrows the address it listens on.
trap 'kill "$socat_pid" 2>/dev/null; exit 0' SIGTERM SIGINT
while true; do
	printf 'Forking :::%s onto 0.0.0.0:%s > trading mode %s \n' \
		"$API_PORT" "$SOCAT_PORT" "${TRADING_MODE:-paper}"
	listen="TCP-LISTEN:${SOCAT_PORT},fork,reuseaddr${SIMULATOR_SOCAT_BIND:+,bind=$SIMULATOR_SOCAT_BIND}"
	socat "$listen" "TCP:127.0.0.1:${API_PORT}" &
	socat_pid=$!
	wait "$socat_pid"
	sleep "${SSH_RESTART:-5}" &
	wait $!
done
