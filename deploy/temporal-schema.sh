#!/bin/sh
# Brings both Temporal databases to the schema of this server version.
# Repeating it changes nothing. The connection comes from SQL_* variables.
set -eu

migrate() {
  database=$1 schema=$2
  # Creates the version tables; leaves existing ones alone.
  temporal-sql-tool --db "$database" setup-schema -v 0.0
  temporal-sql-tool --db "$database" update-schema --schema-name "$schema"
}

migrate temporal postgresql/v12/temporal
migrate temporal_visibility postgresql/v12/visibility
