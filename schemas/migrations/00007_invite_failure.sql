-- +goose Up

-- When the last invitation of somebody who is not in the directory yet went
-- out (state pending_invite). What is known of those invited before this
-- column is when their binding was written last.
ALTER TABLE binding ADD COLUMN invited_at {{time}};
UPDATE binding SET invited_at = updated_at WHERE state = 'pending_invite';

-- Records whose last change failed for reasons of their own, once per run:
-- what fails again and again is not tried every night. The row goes when the
-- record's change succeeds or is no longer wanted.
CREATE TABLE record_failure (
  company_id  bigint  NOT NULL,
  consumer    {{key}} NOT NULL,
  kind        {{key}} NOT NULL,
  source_id   {{key}} NOT NULL,
  scope       {{key}} NOT NULL,
  op          text    NOT NULL,
  hash        text    NOT NULL,
  failures    bigint  NOT NULL,
  first_at    {{time}} NOT NULL,
  last_at     {{time}} NOT NULL,
  last_run    {{key}} NOT NULL,
  code        text    NOT NULL,
  vendor_code text    NOT NULL,
  message     text    NOT NULL,
  PRIMARY KEY (company_id, consumer, kind, source_id)
) {{clustered}};

-- +goose Down
DROP TABLE record_failure;
ALTER TABLE binding DROP COLUMN invited_at;
