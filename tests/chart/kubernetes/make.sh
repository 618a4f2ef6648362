#!/usr/bin/env bash
# Writes the schemas of each Kubernetes version that is served, and those of the Prometheus Operator, from the Go modules of their API types.
# Run by hand when a version is added: with its number, or without one for all of them.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
schemas() { # KINDS FILE MODULE@VERSION...
  cp main.go "kinds/$1.go" "$folder/"
  (
    cd "$folder"
    export GOFLAGS=-mod=mod GOWORK=off
    go mod init ibgateway.dev/charts/kubernetes
    go get "${@:3}"
    go run main.go "$1.go"
  ) > "$folder/out.json"
  mv "$folder/out.json" "$2.json"
  rm -f "$folder"/go.mod "$folder"/go.sum "$folder"/*.go
}
[ $# -gt 0 ] || set -- 1.31.14 1.32.13 1.33.13 1.34.13 1.35.10 1.36.6 1.37.2 monitoring
for version in "$@"; do
  if [ "$version" = monitoring ]; then
    schemas monitoring monitoring github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring@v0.86.1
  else
    minor="v0.${version#1.}"
    schemas kubernetes "${version%.*}" "k8s.io/api@$minor" "k8s.io/apimachinery@$minor" "k8s.io/apiextensions-apiserver@$minor"
  fi
done
