-- Version 2. Times are seconds since 1970 in UTC, 0 for none.
CREATE TABLE requests (
  id           TEXT PRIMARY KEY,
  version      INTEGER NOT NULL,
  "right"      TEXT NOT NULL,
  status       TEXT NOT NULL,
  reason       TEXT NOT NULL,
  expected_by  INTEGER NOT NULL,
  closed_at    INTEGER NOT NULL,
  retain_until INTEGER NOT NULL,
  export_at    INTEGER NOT NULL, -- while there is an export
  subject_key  TEXT NOT NULL,
  body         TEXT NOT NULL,
  personal     BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX requests_deadline ON requests (expected_by, id);
CREATE INDEX requests_status ON requests (status, reason, expected_by, id);
CREATE INDEX requests_subject ON requests (subject_key);
CREATE INDEX requests_export ON requests (export_at) WHERE export_at > 0;
CREATE INDEX requests_retention ON requests (retain_until) WHERE retain_until > 0;

CREATE TABLE events (
  request TEXT NOT NULL,
  seq     INTEGER NOT NULL,
  body    TEXT NOT NULL,
  PRIMARY KEY (request, seq)
) WITHOUT ROWID;

CREATE TABLE idempotency (
  key         TEXT PRIMARY KEY,
  request     TEXT NOT NULL,
  fingerprint TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_request ON idempotency (request);

CREATE TABLE tasks (
  id      TEXT PRIMARY KEY,
  request TEXT NOT NULL,
  version INTEGER NOT NULL,
  wave    TEXT NOT NULL,
  due     INTEGER NOT NULL,
  ended   INTEGER NOT NULL,
  body    TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX tasks_request ON tasks (request, id);
CREATE INDEX tasks_due ON tasks (due) WHERE due > 0;

CREATE TABLE waves (
  key     TEXT PRIMARY KEY,
  request TEXT NOT NULL,
  token   TEXT NOT NULL,
  next   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX waves_request ON waves (request);

CREATE TABLE wave_open (
  wave TEXT NOT NULL,
  task TEXT NOT NULL,
  PRIMARY KEY (wave, task)
) WITHOUT ROWID;

CREATE TABLE signals (
  key     TEXT PRIMARY KEY,
  request TEXT NOT NULL,
  token   TEXT NOT NULL,
  answer  TEXT NOT NULL,
  failure TEXT NOT NULL,
  at      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX signals_request ON signals (request);

CREATE TABLE limits (
  key    TEXT PRIMARY KEY,
  until  INTEGER NOT NULL,
  count  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX limits_until ON limits (until);

CREATE TABLE preferences (
  person    TEXT NOT NULL,
  topic     TEXT NOT NULL,
  opted_out INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  source    TEXT NOT NULL,
  basis     TEXT NOT NULL DEFAULT '',
  latest    INTEGER NOT NULL DEFAULT 0, -- when the same was chosen last
  news      INTEGER NOT NULL DEFAULT 0, -- 1 while nobody was told, 2 while listeners weren't
  address   BLOB, -- sealed, while it is news
  PRIMARY KEY (person, topic)
) WITHOUT ROWID;
CREATE INDEX preferences_news ON preferences (at) WHERE news > 0;
