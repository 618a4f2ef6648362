# Makes the cluster at the first start, then becomes the server; while /data/away is there it only waits.
set -euo pipefail
programs=$(echo /usr/lib/postgresql/*/bin)
if [[ ! -d /data/cluster ]]; then
  rm -rf /data/new
  "$programs/initdb" -D /data/new -U ledger -A scram-sha-256 --pwfile=/run/secrets/database/password \
    -E UTF8 --locale=C.UTF-8
  echo 'host all all all scram-sha-256' >> /data/new/pg_hba.conf
  echo 'CREATE DATABASE ledger' | "$programs/postgres" --single -D /data/new postgres
  mv /data/new /data/cluster
fi
while [[ -e /data/away ]]; do sleep 0.2; done
exec "$programs/postgres" -D /data/cluster -c listen_addresses='*' -c unix_socket_directories=/tmp \
  -c shared_buffers=16MB -c max_connections=20
