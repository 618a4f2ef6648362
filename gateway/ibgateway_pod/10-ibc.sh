#!/bin/bash
# START_SCRIPTS of the image: IBC's command server is off in its template and has no variable.
# Loopback only: the sentinel and the preStop hook are the two that speak to it.
sed -i \
  -e 's/^CommandServerPort=.*/CommandServerPort=7462/' \
  -e 's/^BindAddress=.*/BindAddress=127.0.0.1/' \
  "${IBC_INI_TMPL:-$HOME/ibc/config.ini.tmpl}"
