#!/usr/bin/env bash
# Writes the schemas of each Kubernetes version that is served, from the Go modules of its API types. Run by hand when a version is added:
# with its number, or without one for all of them.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
[ $# -gt 0 ] || set -- 1.31.14 1.32.13 1.33.13 1.34.13 1.35.10 1.36.6 1.37.2
for version in "$@"; do
  cp main.go "$folder/"
  (
    cd "$folder"
    rm -f go.mod go.sum
    export GOFLAGS=-mod=mod GOWORK=off
    go mod init ibgateway.dev/charts/kubernetes
    go get "k8s.io/api@v0.${version#1.}" "k8s.io/apimachinery@v0.${version#1.}" "k8s.io/apiextensions-apiserver@v0.${version#1.}"
    go run .
  ) > "$folder/out.json"
  mv "$folder/out.json" "${version%.*}.json"
done
