//! Tables of this room.

use store::Migration;

/// Migrations 400 to 499.
pub const MIGRATIONS: &[Migration] = &[Migration {
    number: 400,
    name: "finding",
    sql: "
CREATE TABLE finding (
    id @id PRIMARY KEY,
    org_id @id NOT NULL,
    realm @text NOT NULL,
    tlp @int NOT NULL,
    scope @text NOT NULL,
    rule @text NOT NULL,
    severity @int NOT NULL,
    subject_kind @text NOT NULL,
    subject @text NOT NULL,
    subject_key @bytes NOT NULL,
    params @text NOT NULL,
    why @text NOT NULL,
    fired @int NOT NULL,
    first_at @int NOT NULL,
    last_at @int NOT NULL,
    state @text NOT NULL,
    open @int NOT NULL,
    owner @id,
    outcome @text,
    reason @text,
    silence_id @id,
    campaign @id,
    trail @text NOT NULL,
    live_key @bytes,
    version @int NOT NULL
) @strict;
CREATE UNIQUE INDEX finding_live ON finding (live_key);
-- The columns after the order decide visibility and filters, so that rows that are passed over are never fetched.
CREATE INDEX finding_queue ON finding (severity DESC, first_at, id, org_id, tlp, realm, rule, owner) WHERE open = 1;
CREATE INDEX finding_queue_org ON finding (org_id, severity DESC, first_at, id, tlp, realm, rule, owner) WHERE open = 1;
CREATE INDEX finding_queue_rule ON finding (rule, severity DESC, first_at, id, org_id, tlp, realm, owner) WHERE open = 1;
CREATE INDEX finding_group ON finding (rule, org_id, severity, first_at, last_at, state, tlp, realm) WHERE open = 1;
CREATE INDEX finding_recent ON finding (last_at DESC, id DESC, org_id, tlp, realm, severity, owner);
CREATE INDEX finding_recent_org ON finding (org_id, last_at DESC, id DESC, rule, tlp, realm, severity, owner);
CREATE INDEX finding_recent_rule ON finding (rule, last_at DESC, id DESC, org_id, tlp, realm, severity, owner);
CREATE INDEX finding_state ON finding (state, last_at DESC, id DESC, org_id, rule, tlp, realm, severity, owner);
CREATE INDEX finding_subject ON finding (subject_key, last_at DESC, id DESC);
CREATE INDEX finding_silenced ON finding (silence_id) WHERE silence_id IS NOT NULL;
CREATE TABLE silence (
    id @id PRIMARY KEY,
    org_id @id NOT NULL,
    realm @text NOT NULL,
    tlp @int NOT NULL,
    rule @text NOT NULL,
    subject_kind @text,
    subject @text,
    subject_key @bytes,
    reason @text NOT NULL,
    author @id,
    from_at @int NOT NULL,
    until_at @int NOT NULL,
    ended_at @int,
    version @int NOT NULL
) @strict;
CREATE INDEX silence_scope ON silence (org_id, rule, until_at);
CREATE INDEX silence_until ON silence (until_at, id);
",
}];
