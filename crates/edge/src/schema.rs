//! The room's tables: numbers 600 to 699.

use store::Migration;

/// The room's migrations.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 600,
        name: "edge_point",
        sql: "
CREATE TABLE edge_point (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    name @text NOT NULL, driver @text NOT NULL, state @text NOT NULL,
    serial @text NOT NULL, cert_expires @int NOT NULL, enrolled_at @int NOT NULL,
    kill @int NOT NULL, thaw_until @int, revision @int NOT NULL, version @int NOT NULL,
    applied_seq @int NOT NULL, standing @text, last @text,
    seen_at @int, clock_offset @int, heartbeat @text
) @strict;
CREATE INDEX edge_point_list ON edge_point (realm, id);
CREATE INDEX edge_point_org ON edge_point (org_id, id);
CREATE TABLE edge_receipt (
    id @id PRIMARY KEY, point @id NOT NULL, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    at @int NOT NULL, seq @int NOT NULL, generation @int NOT NULL, standing @text NOT NULL, body @text NOT NULL
) @strict;
CREATE INDEX edge_receipt_point ON edge_receipt (point, seq, at);
CREATE INDEX edge_receipt_list ON edge_receipt (point, id);
CREATE INDEX edge_receipt_at ON edge_receipt (at);
",
    },
    Migration {
        number: 601,
        name: "edge_directive",
        sql: "
-- lo and hi are the first and last address, sortable bytes: what overlaps is found by comparison.
CREATE TABLE edge_directive (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL, scope @text NOT NULL,
    audience @text NOT NULL, value @text NOT NULL, lo @bytes NOT NULL, hi @bytes NOT NULL, host @int NOT NULL,
    intent @text NOT NULL, impact @text NOT NULL, state @text NOT NULL,
    author @id, approver @id, indicator @id,
    provenance @text NOT NULL, reason @text NOT NULL, verdicts @text NOT NULL,
    issued @int NOT NULL, expires @int NOT NULL, ended @int, end_reason @text, version @int NOT NULL,
    live @int NOT NULL, due @int,
    CHECK (expires > issued)
) @strict;
-- live is 1 while it is active, due its end while it has not ended: each question has one index and no other looks
-- as good, also to a planner without statistics.
CREATE INDEX edge_directive_list ON edge_directive (state, id);
CREATE INDEX edge_directive_value ON edge_directive (value, realm, live);
CREATE INDEX edge_directive_range ON edge_directive (intent, live, realm, host, lo);
CREATE INDEX edge_directive_due ON edge_directive (due);
CREATE INDEX edge_directive_indicator ON edge_directive (indicator, id);
CREATE INDEX edge_directive_org ON edge_directive (org_id, id);
",
    },
    Migration {
        number: 602,
        name: "edge_desired",
        sql: "
-- One row a realm: the head of its log, how far back the log is complete, and what every point of it is told.
CREATE TABLE edge_realm (
    realm @text PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL,
    seq @int NOT NULL, horizon @int NOT NULL,
    kill @int NOT NULL, thaw_until @int, revision @int NOT NULL, config @text NOT NULL
) @strict;
-- Count and digest of the entries of one audience, after its change number seq.
CREATE TABLE edge_channel (
    realm @text NOT NULL, audience @text NOT NULL, org_id @id NOT NULL, tlp @int NOT NULL,
    seq @int NOT NULL, count @int NOT NULL, digest @bytes NOT NULL,
    PRIMARY KEY (realm, audience)
) @strict;
CREATE TABLE edge_entry (
    realm @text NOT NULL, audience @text NOT NULL, collection @text NOT NULL, value @text NOT NULL,
    org_id @id NOT NULL, tlp @int NOT NULL, scope @text NOT NULL,
    directive @id NOT NULL, expires @int NOT NULL, seq @int NOT NULL, first_seq @int NOT NULL,
    PRIMARY KEY (realm, audience, collection, value)
) @strict;
CREATE INDEX edge_entry_value ON edge_entry (realm, value);
CREATE INDEX edge_entry_directive ON edge_entry (directive);
CREATE TABLE edge_change (
    realm @text NOT NULL, seq @int NOT NULL, audience @text NOT NULL, collection @text NOT NULL, value @text NOT NULL,
    org_id @id NOT NULL, tlp @int NOT NULL, scope @text NOT NULL, at @int NOT NULL,
    old_directive @id, old_expires @int, new_directive @id, new_expires @int,
    PRIMARY KEY (realm, seq, audience, collection, value)
) @strict;
CREATE INDEX edge_change_at ON edge_change (realm, at);
",
    },
    Migration {
        number: 603,
        name: "edge_number",
        sql: "
-- The first number of a frame to this point that is not reserved yet: the order of frames does not hang on a clock.
ALTER TABLE edge_point ADD COLUMN next_number @int NOT NULL DEFAULT 0;
",
    },
    Migration {
        number: 604,
        name: "edge_certificates",
        sql: "
-- The next certificate and the one before, as JSON: see base::papers.
ALTER TABLE edge_point ADD COLUMN cert_more @text;
",
    },
];
