#!/bin/bash
# Runs once, on an empty data directory: one user each for orgflow and
# Temporal, which see only their own databases.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
  --set=orgflow_password="$ORGFLOW_DB_PASSWORD" --set=temporal_password="$TEMPORAL_DB_PASSWORD" <<'SQL'
CREATE ROLE orgflow LOGIN PASSWORD :'orgflow_password';
CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE DATABASE orgflow OWNER orgflow;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE orgflow, temporal, temporal_visibility FROM PUBLIC;
SQL
