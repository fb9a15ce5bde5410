-- +goose Up

-- When the next call of a rate budget may be made, over all workers: each
-- takes a run of slots by moving next_at forward. Microseconds since 1970 by
-- the database's clock, so that the workers' clocks do not matter.
CREATE TABLE rate_budget (
  name    {{key}} PRIMARY KEY,
  next_at bigint  NOT NULL
);

-- +goose Down
DROP TABLE rate_budget;
