#!/bin/sh
# Creates the namespace, or sets its retention when it exists. Address and
# namespace come from TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE. A server that
# is still starting makes it fail; the container then starts again.
set -eu

temporal operator cluster health
if temporal operator namespace describe >/dev/null 2>&1; then
  temporal operator namespace update --retention "$RETENTION"
else
  temporal operator namespace create --retention "$RETENTION"
fi
