-- +goose Up

-- Who is signed in. id is the SHA-256 of the cookie's token, in hex: what
-- stands here signs nobody in. origin is how they proved who they are: a
-- consumer's name, or local. verified_at is when it was last seen that they
-- belong to the organisation.
CREATE TABLE api_session (
  id          {{key}} NOT NULL PRIMARY KEY,
  company_id  bigint  NOT NULL,
  origin      {{key}} NOT NULL,
  user_id     {{key}} NOT NULL,
  name        text    NOT NULL,
  address     text    NOT NULL,
  created_at  {{time}} NOT NULL,
  seen_at     {{time}} NOT NULL,
  verified_at {{time}} NOT NULL,
  expires_at  {{time}} NOT NULL
);
CREATE INDEX api_session_user ON api_session (company_id, origin, user_id);
CREATE INDEX api_session_expires ON api_session (expires_at);

-- A sign-in that was begun, until it is used, once. id is the SHA-256 of its
-- state or token, browser that of the cookie of the browser that began it.
CREATE TABLE signin_attempt (
  id         {{key}} NOT NULL PRIMARY KEY,
  purpose    text    NOT NULL,
  company_id bigint  NOT NULL,
  browser    text    NOT NULL,
  return_to  text    NOT NULL,
  expires_at {{time}} NOT NULL
);
CREATE INDEX signin_attempt_expires ON signin_attempt (expires_at);

CREATE INDEX audit_log_at ON audit_log (at);

-- +goose Down
DROP INDEX audit_log_at;
DROP TABLE signin_attempt;
DROP TABLE api_session;
