//! The store's own tables: numbers 1 to 99.

use crate::sql::Migration;

/// The store's own migrations; [`crate::Db::migrate`] always applies them first.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "outbox",
        sql: "
-- Counters whose order equals commit order: taken inside the transaction, on both engines.
CREATE TABLE sequence (name @text PRIMARY KEY, value @int NOT NULL) @strict;
INSERT INTO sequence (name, value) VALUES ('outbox', 0);
INSERT INTO sequence (name, value) VALUES ('audit', 0);
CREATE TABLE outbox (
    seq @int PRIMARY KEY, event_id @id NOT NULL, kind @text NOT NULL,
    org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    at @int NOT NULL, actor @text NOT NULL, body @text NOT NULL
) @strict;
CREATE TABLE outbox_cursor (consumer @text PRIMARY KEY, seq @int NOT NULL) @strict;
CREATE TABLE dead_letter (
    consumer @text NOT NULL, seq @int NOT NULL, event_id @id NOT NULL, kind @text NOT NULL,
    org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    at @int NOT NULL, actor @text NOT NULL, body @text NOT NULL,
    error @text NOT NULL, attempts @int NOT NULL, failed_at @int NOT NULL,
    PRIMARY KEY (consumer, seq)
) @strict;
",
    },
    Migration {
        number: 2,
        name: "audit_tree",
        sql: "
CREATE TABLE audit_leaf (
    seq @int PRIMARY KEY, at @int NOT NULL,
    org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    actor @text NOT NULL, action @text NOT NULL, subject @text NOT NULL, outcome @text NOT NULL,
    entry @text NOT NULL, leaf @bytes NOT NULL
) @strict;
CREATE INDEX audit_leaf_action ON audit_leaf (action, seq);
CREATE INDEX audit_leaf_subject ON audit_leaf (subject, seq);
CREATE INDEX audit_leaf_actor ON audit_leaf (actor, seq);
CREATE INDEX audit_leaf_at ON audit_leaf (at, seq);
-- Roots of full subtrees of 256^level leaves: what proofs need beside the leaves of one tile.
CREATE TABLE audit_node (level @int NOT NULL, number @int NOT NULL, hash @bytes NOT NULL, PRIMARY KEY (level, number)) @strict;
CREATE TABLE audit_checkpoint (size @int PRIMARY KEY, root @bytes NOT NULL, at @int NOT NULL, note @text NOT NULL) @strict;
",
    },
    Migration {
        number: 3,
        name: "job",
        sql: "
CREATE TABLE job (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    kind @text NOT NULL, payload @text NOT NULL, state @text NOT NULL,
    done @int NOT NULL, total @int NOT NULL, attempts @int NOT NULL,
    created_at @int NOT NULL, run_at @int NOT NULL, lease_until @int NOT NULL, finished_at @int,
    cancel @int NOT NULL, error @text
) @strict;
CREATE INDEX job_due ON job (state, kind, run_at);
CREATE INDEX job_list ON job (org_id, id);
",
    },
    Migration {
        number: 4,
        name: "audit_order",
        sql: "
-- Each question's index ends in the order of its answer: a page is a range, never a sort.
DROP INDEX audit_leaf_action;
DROP INDEX audit_leaf_subject;
DROP INDEX audit_leaf_actor;
CREATE INDEX audit_leaf_action ON audit_leaf (action, at, seq);
CREATE INDEX audit_leaf_subject ON audit_leaf (subject, at, seq);
CREATE INDEX audit_leaf_actor ON audit_leaf (actor, at, seq);
",
    },
];
