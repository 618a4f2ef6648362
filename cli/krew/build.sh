#!/usr/bin/env bash
# build.sh FOLDER BASE [PLATFORM...]: krew's archives of the plugin, and the manifest that names them below the address BASE.
# A platform is linux-amd64, linux-arm64, darwin-amd64 or darwin-arm64; all of them by default. Libraries come by the hashes of requirements/cli.txt.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
out=$1 base=$2
shift 2
[[ $base == https://* ]] || { echo "BASE is an https address" >&2; exit 2; }
read -ra platforms <<<"${*:-linux-amd64 linux-arm64 darwin-amd64 darwin-arm64}"
read -ra versions <<<"${PYTHON_VERSIONS:-3.11 3.12 3.13}"
version=$("$python" -c 'import sys, tomllib; print(tomllib.load(open(sys.argv[1], "rb"))["project"]["version"])' "$root/pyproject.toml")

wheels_of() {
  case $1 in
    linux-amd64) echo manylinux_2_28_x86_64 manylinux_2_17_x86_64 ;;
    linux-arm64) echo manylinux_2_28_aarch64 manylinux_2_17_aarch64 ;;
    darwin-amd64) echo macosx_11_0_x86_64 macosx_10_12_x86_64 ;;
    darwin-arm64) echo macosx_11_0_arm64 ;;
    *) echo "no such platform: $1" >&2; return 2 ;;
  esac
}

# The same inputs give the same archive: names in order, no times, nobody's.
archive() {
  local platform=$1 folder names number
  folder=$(mktemp -d)
  read -ra names <<<"$(wheels_of "$platform")"
  for number in "${versions[@]}"; do
    "$python" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes --only-binary=:all: \
      --implementation cp --python-version "$number" "${names[@]/#/--platform=}" \
      --target "$folder/lib/$number" -r "$root/requirements/cli.txt"
    cp -r "$root/api/ibgateway_api" "$root/client/ibgateway" "$root/cli/ibgateway_cli" "$folder/lib/$number/"
  done
  find "$folder" -name __pycache__ -prune -exec rm -rf {} +
  install -m 755 "$root/cli/krew/kubectl-ibgateway" "$root/LICENSE" "$folder/"
  chmod 644 "$folder/LICENSE"
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$folder" -cf - . | gzip -n >"$out/ibgateway-$platform.tar.gz"
  rm -rf "$folder"
}

manifest() {
  sed -e "s|@VERSION@|$version|" -e "s|@BASE@|$base|" "$root/cli/krew/ibgateway.yaml.in"
  local platform
  for platform in "${platforms[@]}"; do
    printf '  - selector: {matchLabels: {os: %s, arch: %s}}\n' "${platform%-*}" "${platform#*-}"
    printf '    uri: %s/ibgateway-%s.tar.gz\n' "$base" "$platform"
    printf '    sha256: %s\n' "$(sha256sum "$out/ibgateway-$platform.tar.gz" | cut -d' ' -f1)"
    printf '    bin: kubectl-ibgateway\n'
  done
}

mkdir -p "$out"
for platform in "${platforms[@]}"; do archive "$platform"; done
manifest >"$out/ibgateway.yaml"
echo "$out/ibgateway.yaml and ${#platforms[@]} archives"
