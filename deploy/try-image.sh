#!/usr/bin/env bash
# Starts the program of an image archive as a container would, without an
# engine: with the files of the image and no others. Further arguments replace
# --version: deploy/try-image.sh dist/…_starter.image.tar doctor. Who is not
# root needs user namespaces.
set -euo pipefail

archive=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- --version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/archive" "$work/root"
tar --extract --file "$archive" --directory "$work/archive"
for layer in "$work"/archive/*.tar.gz; do
  tar --extract --gzip --file "$layer" --directory "$work/root"
done
programs=("$work"/root/usr/local/bin/*)
program=${programs[0]#"$work/root"}
if [ "$(id -u)" -eq 0 ]; then
  chroot --userspec=10001:10001 "$work/root" "$program" "$@"
else
  unshare --user --map-root-user --root="$work/root" "$program" "$@"
fi
