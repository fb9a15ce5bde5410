#!/usr/bin/env bash
# Builds a release into the directory named by the first argument: per
# architecture one archive with the static programs, per program the list of
# its components with their licences (CycloneDX), and checksums of all.
# VERSION names the release, ARCHS restricts it ("amd64"), PROGRAMS too.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(realpath -m "$1")
version=${VERSION:?is the version to build, v0.1.0 for instance}
read -ra archs <<<"${ARCHS:-amd64 arm64}"
read -ra programs <<<"${PROGRAMS:-worker starter standalone}"
read -ra flags <<<"${FLAGS:-}"

rm -rf "$out"
mkdir -p "$out"
for arch in "${archs[@]}"; do
  name=orgflow_${version}_linux_$arch
  mkdir "$out/$name"
  cp -r README.md README.zh-CN.md CHANGELOG.md NOTICE docs deploy/env.example "$out/$name/"
  for program in "${programs[@]}"; do
    CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build "${flags[@]}" \
      -ldflags "-s -w -X orgflow/internal/version.number=$version" -o "$out/$name/$program" "./$program"
  done
  # Same owner, order and time whoever packs it.
  tar --create --gzip --file "$out/$name.tar.gz" --directory "$out" --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@$(git log -1 --format=%ct)" "$name"
done
for program in "${programs[@]}"; do # the same for both architectures
  go tool -modfile=deploy/sbom/go.mod cyclonedx-gomod bin -json -licenses -version "$version" \
    -output "$out/orgflow_${version}_$program.sbom.json" "$out/orgflow_${version}_linux_${archs[0]}/$program"
done
cd "$out"
sha256sum -- *.tar.gz *.sbom.json >SHA256SUMS
find . -type f \( -perm -u+x -o -name '*.tar.gz' \) -printf '%s %P\n' | sort --key=2 | awk '{ printf "%8.1f MB  %s\n", $1 / 1e6, $2 }'
