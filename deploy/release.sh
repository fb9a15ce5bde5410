#!/usr/bin/env bash
# Builds a release into the directory named by the first argument: per
# architecture one archive with the static programs and, of those that have an
# image, one archive each for "docker load"; per program the list of its
# components with their licences (CycloneDX); checksums of all, sizes on the
# screen. No Docker is needed; images for this machine are tried.
# VERSION names the release, ARCHS restricts it ("amd64"), PROGRAMS too. SOURCE
# is the address of the repository, for a label of the images.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(realpath -m "$1")
version=${VERSION:?is the version to build, v0.1.0 for instance}
read -ra archs <<<"${ARCHS:-amd64 arm64}"
read -ra programs <<<"${PROGRAMS:-worker starter standalone}"
read -ra flags <<<"${FLAGS:-}"

commit=$(git rev-parse HEAD) time=$(git log -1 --format=%ct)
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
go build -C deploy/image "${flags[@]}" -o "$tools/image" .

rm -rf "$out"
mkdir -p "$out"
for arch in "${archs[@]}"; do
  name=orgflow_${version}_linux_$arch
  mkdir -p "$out/$name/deploy"
  cp -r README.md README.zh-CN.md CHANGELOG.md SECURITY.md NOTICE THIRD_PARTY.md docker-compose.yml docs "$out/$name/"
  cp -r deploy/env.example deploy/*.yaml deploy/postgres-init.sh deploy/temporal-*.sh deploy/grafana deploy/prometheus "$out/$name/deploy/"
  for program in "${programs[@]}"; do
    CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build "${flags[@]}" \
      -ldflags "-s -w -X orgflow/internal/version.number=$version" -o "$out/$name/$program" "./$program"
    [ "$program" = standalone ] || # for trying things out, without an image
      "$tools/image" --name "$program" --program "$out/$name/$program" --arch "$arch" --version "$version" \
        --revision "$commit" --source "${SOURCE:-}" --time "$time" --out "$out/${name}_$program.image.tar"
  done
  # Same owner, order and time whoever packs it.
  tar --create --gzip --file "$out/$name.tar.gz" --directory "$out" --sort=name --owner=0 --group=0 --numeric-owner \
    --mode=u=rwX,go=rX --mtime="@$time" "$name"
done
for image in "$out"/*"_linux_$(go env GOHOSTARCH)"_*.image.tar; do
  [ ! -e "$image" ] || deploy/try-image.sh "$image"
done
for program in "${programs[@]}"; do # the same for both architectures
  go tool -modfile=deploy/sbom/go.mod cyclonedx-gomod bin -json -licenses -version "$version" \
    -output "$out/orgflow_${version}_$program.sbom.json" "$out/orgflow_${version}_linux_${archs[0]}/$program"
done
cd "$out"
sha256sum -- *.tar *.tar.gz *.sbom.json >SHA256SUMS
find . -type f \( -perm -u+x ! -name '*.sh' -o -name '*.tar.gz' \) -printf '%s %P\n' | sort --key=2 | awk '{ printf "%8.1f MB  %s\n", $1 / 1e6, $2 }'
