//! Tables of this room.

use store::Migration;

/// Migrations 500 to 599.
pub const MIGRATIONS: &[Migration] = &[Migration {
    number: 500,
    name: "indicator",
    sql: "
CREATE TABLE indicator (
    id @id PRIMARY KEY,
    org_id @id NOT NULL,
    realm @text NOT NULL,
    tlp @int NOT NULL,
    scope @text NOT NULL,
    kind @text NOT NULL,
    value @text NOT NULL,
    value_key @bytes NOT NULL,
    search_key @bytes NOT NULL,
    search_end @bytes,
    live_key @bytes,
    name @text NOT NULL,
    name_key @text NOT NULL,
    description @text NOT NULL,
    state @text NOT NULL,
    waiting @int NOT NULL,
    class @text NOT NULL,
    score @real NOT NULL,
    factors @text NOT NULL,
    confidence @int NOT NULL,
    origin @text NOT NULL,
    author @id,
    reviewer @id,
    approver @id,
    automatic @int NOT NULL,
    night @int NOT NULL,
    campaign @id,
    lasts @int NOT NULL,
    valid_from @int NOT NULL,
    valid_until @int NOT NULL,
    ends_at @int,
    created @int NOT NULL,
    modified @int NOT NULL,
    published_at @int,
    reason @text,
    sessions_total @int NOT NULL,
    sensors_total @int NOT NULL,
    object_version @int NOT NULL,
    version @int NOT NULL
) @strict;
CREATE UNIQUE INDEX indicator_live ON indicator (live_key);
-- The columns after the order decide visibility and filters, so that rows that are passed over are never fetched.
CREATE INDEX indicator_recent ON indicator (modified DESC, id DESC, org_id, tlp, realm, kind, class, score);
CREATE INDEX indicator_state ON indicator (state, modified DESC, id DESC, org_id, tlp, realm, kind, class, score);
CREATE INDEX indicator_waiting ON indicator (score DESC, created, id, org_id, tlp, realm) WHERE waiting = 1;
CREATE INDEX indicator_value ON indicator (value_key, modified DESC);
CREATE INDEX indicator_search ON indicator (search_key);
CREATE INDEX indicator_name ON indicator (name_key, id);
CREATE INDEX indicator_network ON indicator (search_end) WHERE search_end IS NOT NULL;
CREATE INDEX indicator_ends ON indicator (ends_at) WHERE ends_at IS NOT NULL;
CREATE INDEX indicator_count ON indicator (state, realm, tlp, org_id);
CREATE TABLE indicator_change (
    indicator_id @id NOT NULL,
    version @int NOT NULL,
    at @int NOT NULL,
    body @text NOT NULL,
    PRIMARY KEY (indicator_id, version)
) @strict;
CREATE TABLE indicator_version (
    indicator_id @id NOT NULL,
    version @int NOT NULL,
    modified @int NOT NULL,
    sha256 @bytes NOT NULL,
    object @bytes NOT NULL,
    PRIMARY KEY (indicator_id, version)
) @strict;
CREATE TABLE indicator_source (
    indicator_id @id NOT NULL,
    session_id @id NOT NULL,
    at @int NOT NULL,
    PRIMARY KEY (indicator_id, session_id)
) @strict;
CREATE TABLE indicator_note (
    id @id PRIMARY KEY,
    indicator_id @id NOT NULL,
    at @int NOT NULL,
    author @id,
    text @text NOT NULL
) @strict;
CREATE INDEX indicator_note_of ON indicator_note (indicator_id, at);
CREATE TABLE intel_policy (
    class @text PRIMARY KEY,
    enabled @int NOT NULL,
    min_score @real NOT NULL,
    min_sensors @int NOT NULL,
    ttl @int NOT NULL,
    version @int NOT NULL
) @strict;
",
}];
