//! Tables of this room.

use store::Migration;

/// The migrations of this room, 100 to 199.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 100,
        name: "person",
        sql: "
CREATE TABLE person (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  login @text NOT NULL, display @text NOT NULL, mail @text NOT NULL, language @text NOT NULL, zone @text NOT NULL,
  state @text NOT NULL, expires_at @int, created_at @int NOT NULL, last_sign_in @int,
  device_epoch @int NOT NULL, version @int NOT NULL
) @strict;
CREATE UNIQUE INDEX person_login ON person (login);
CREATE INDEX person_org ON person (org_id, login);
CREATE TABLE person_role (
  id @id PRIMARY KEY, person_id @id NOT NULL, role @text NOT NULL, org_id @id NOT NULL,
  deputy_for @id, from_at @int, to_at @int
) @strict;
CREATE INDEX person_role_person ON person_role (person_id);
CREATE INDEX person_role_role ON person_role (role, org_id);
CREATE TABLE access_guard (name @text PRIMARY KEY, turn @int NOT NULL) @strict;
INSERT INTO access_guard (name, turn) VALUES ('administrators', 0);
INSERT INTO access_guard (name, turn) VALUES ('strangers', 0);
",
    },
    Migration {
        number: 101,
        name: "credentials",
        sql: "
CREATE TABLE credential_password (
  id @id PRIMARY KEY, person_id @id NOT NULL, phc @text NOT NULL, set_at @int NOT NULL, current @int NOT NULL
) @strict;
CREATE INDEX credential_password_person ON credential_password (person_id, set_at);
CREATE TABLE credential_totp (
  person_id @id NOT NULL, confirmed @int NOT NULL, sealed @bytes NOT NULL, last_step @int NOT NULL,
  created_at @int NOT NULL, PRIMARY KEY (person_id, confirmed)
) @strict;
CREATE TABLE credential_recovery (
  person_id @id NOT NULL, hash @bytes NOT NULL, used_at @int, PRIMARY KEY (person_id, hash)
) @strict;
",
    },
    Migration {
        number: 102,
        name: "login",
        sql: "
CREATE TABLE login (
  id @id PRIMARY KEY, person_id @id NOT NULL, hash @bytes NOT NULL, created_at @int NOT NULL, last_seen @int NOT NULL,
  ends_at @int NOT NULL, address @text NOT NULL, agent @text NOT NULL, second_factor_at @int, revoked_at @int
) @strict;
CREATE UNIQUE INDEX login_hash ON login (hash);
CREATE INDEX login_person ON login (person_id, created_at);
CREATE INDEX login_ends ON login (ends_at);
CREATE TABLE sign_in_throttle (
  counter @text PRIMARY KEY, failures @int NOT NULL, held_until @int NOT NULL, last_at @int NOT NULL
) @strict;
CREATE INDEX sign_in_throttle_last ON sign_in_throttle (last_at);
CREATE TABLE access_link (
  id @id PRIMARY KEY, purpose @text NOT NULL, hash @bytes NOT NULL, person_id @id, created_at @int NOT NULL,
  ends_at @int NOT NULL, used_at @int
) @strict;
CREATE UNIQUE INDEX access_link_hash ON access_link (hash);
CREATE INDEX access_link_person ON access_link (person_id);
CREATE INDEX access_link_ends ON access_link (ends_at);
",
    },
    Migration {
        number: 103,
        name: "token",
        sql: "
CREATE TABLE access_token (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL, name @text NOT NULL,
  hash @bytes NOT NULL, scopes @text NOT NULL, ceiling @int NOT NULL, bound_to @text, created_by @id,
  created_at @int NOT NULL, expires_at @int, last_used @int, revoked_at @int
) @strict;
CREATE UNIQUE INDEX access_token_hash ON access_token (hash);
CREATE INDEX access_token_org ON access_token (org_id, id);
CREATE TABLE enrol_code (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL, kind @text NOT NULL,
  name @text NOT NULL, hash @bytes NOT NULL, created_at @int NOT NULL, ends_at @int NOT NULL, used_at @int
) @strict;
CREATE UNIQUE INDEX enrol_code_hash ON enrol_code (hash);
CREATE INDEX enrol_code_ends ON enrol_code (ends_at);
CREATE TABLE retro_review (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL, action @text NOT NULL,
  subject @text NOT NULL, approved_by @id NOT NULL, approved_at @int NOT NULL, due_at @int NOT NULL,
  reviewed_by @id, reviewed_at @int, outcome @text, note @text, version @int NOT NULL
) @strict;
CREATE INDEX retro_review_open ON retro_review (reviewed_at, due_at, id);
CREATE INDEX retro_review_subject ON retro_review (subject);
",
    },
    Migration {
        number: 105,
        name: "passkey",
        sql: "
CREATE TABLE credential_passkey (
  id @id PRIMARY KEY, person_id @id NOT NULL, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  name @text NOT NULL, site @text NOT NULL, credential @bytes NOT NULL, public_key @bytes NOT NULL,
  sign_count @int NOT NULL, synced @int NOT NULL, created_at @int NOT NULL, last_used @int, cloned_at @int
) @strict;
CREATE UNIQUE INDEX credential_passkey_credential ON credential_passkey (credential);
CREATE INDEX credential_passkey_person ON credential_passkey (person_id, created_at);
CREATE TABLE passkey_challenge (
  login_id @id NOT NULL, purpose @text NOT NULL, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  challenge @bytes NOT NULL, origin @text NOT NULL, name @text NOT NULL, ends_at @int NOT NULL,
  PRIMARY KEY (login_id, purpose)
) @strict;
CREATE INDEX passkey_challenge_ends ON passkey_challenge (ends_at);
",
    },
    Migration {
        number: 110,
        name: "saved_search",
        sql: "
CREATE TABLE saved_search (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL, owner @id NOT NULL,
  list @text NOT NULL, name @text NOT NULL, name_key @text NOT NULL, query @text NOT NULL, shared @int NOT NULL,
  saved_at @int NOT NULL
) @strict;
CREATE INDEX saved_search_owner ON saved_search (owner, name_key, id);
CREATE INDEX saved_search_org ON saved_search (org_id, shared, name_key, id);
",
    },
    Migration {
        number: 115,
        name: "login_kind",
        sql: "
ALTER TABLE login ADD COLUMN kind @text NOT NULL DEFAULT 'browser';
",
    },
    Migration {
        number: 116,
        name: "token_line",
        sql: "
ALTER TABLE access_token ADD COLUMN made_with @id;
CREATE INDEX access_token_made_with ON access_token (made_with);
",
    },
];
