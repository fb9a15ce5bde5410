-- +goose Up

-- What a member is found by, in lower case: name, mobile number, job number
-- and userid with tabs between them. Written with the row; those that are
-- there already get it here (SQLite: letters A to Z alone in lower case, until
-- the member changes).
ALTER TABLE org_member ADD COLUMN search {{key}} NOT NULL DEFAULT '';
UPDATE org_member SET search = lower(substr(name, 1, 150)) || '	' || lower(substr(mobile, 1, 100)) || '	' || lower(substr(job_number, 1, 100)) || '	' || lower(substr(remote_id, 1, 100));
-- All that a search looks at, in the order in which members are listed: it
-- reads no row but those it shows.
CREATE INDEX org_member_search ON org_member (company_id, origin, id, search) WHERE until_version IS NULL;

-- +goose Down
DROP INDEX org_member_search;
ALTER TABLE org_member DROP COLUMN search;
