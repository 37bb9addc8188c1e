//! The sensor room's tables: numbers 300 to 399.

use store::Migration;

/// Fleet, intake, attack history.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 300,
        name: "sensor",
        sql: "
CREATE TABLE sensor (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    name @text NOT NULL, kind @text NOT NULL, enrolled_at @int NOT NULL, revoked_at @int,
    cert_serial @text, cert_expires @int,
    last_heard @int, last_event @int, silent_since @int, missing_since @int,
    sessions_total @int NOT NULL, events_total @int NOT NULL,
    rate @real NOT NULL, rate_at @int NOT NULL, rate_sessions @int NOT NULL,
    clock_offset @int, health @text, version @int NOT NULL,
    UNIQUE (realm, org_id, name)
) @strict;
-- Numbers of a sensor's events that arrived, as intervals, per epoch.
CREATE TABLE sensor_epoch (
    sensor_id @id NOT NULL, epoch @int NOT NULL, taken @text NOT NULL, at @int NOT NULL, PRIMARY KEY (sensor_id, epoch)
) @strict;
",
    },
    Migration {
        number: 301,
        name: "sensor_intake",
        sql: "
-- Keys of lines that were taken; the journal holds those that history has not folded yet.
CREATE TABLE ingest_key (key @bytes PRIMARY KEY, at @int NOT NULL) @strict;
CREATE TABLE quarantine (
    key @bytes PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    format @text NOT NULL, at @int NOT NULL, code @text NOT NULL, detail @text NOT NULL, excerpt @text NOT NULL,
    times @int NOT NULL
) @strict;
CREATE INDEX quarantine_at ON quarantine (at, key);
CREATE INDEX quarantine_org ON quarantine (org_id, at);
-- How far the journal is folded: committed together with what was folded.
CREATE TABLE journal_cursor (consumer @text PRIMARY KEY, at @int NOT NULL) @strict;
",
    },
    Migration {
        number: 302,
        name: "attack_session",
        sql: "
CREATE TABLE attack_session (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL, scope @text NOT NULL,
    sensor_id @id NOT NULL, foreign_key @text NOT NULL,
    src_ip @text NOT NULL, src_key @bytes NOT NULL, protocol @text NOT NULL, dst_port @int NOT NULL,
    opened_at @int NOT NULL, last_at @int NOT NULL, closed_at @int,
    base_class @text NOT NULL, class @text NOT NULL,
    events @int NOT NULL, attempts @int NOT NULL, commands @int NOT NULL,
    client @text, hassh @text, campaign_id @id, campaign_due @int, summary @text NOT NULL
) @strict;
CREATE INDEX attack_session_opened ON attack_session (opened_at, id);
CREATE INDEX attack_session_class ON attack_session (class, opened_at, id);
CREATE INDEX attack_session_source ON attack_session (src_key, opened_at, id);
CREATE INDEX attack_session_sensor ON attack_session (sensor_id, opened_at, id);
CREATE INDEX attack_session_org ON attack_session (org_id, opened_at, id);
CREATE INDEX attack_session_campaign ON attack_session (campaign_id, opened_at, id);
CREATE INDEX attack_session_due ON attack_session (campaign_due) WHERE campaign_due IS NOT NULL;
-- Events of a session as they were acknowledged, one row for what arrived together.
CREATE TABLE attack_event (
    session_id @id NOT NULL, journal_at @int NOT NULL, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    events @int NOT NULL, lines @text NOT NULL, PRIMARY KEY (session_id, journal_at)
) @strict;
-- Sessions opened per bar of the timeline.
CREATE TABLE attack_rollup (
    step @int NOT NULL, at @int NOT NULL, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL, class @text NOT NULL,
    sessions @int NOT NULL, events @int NOT NULL, PRIMARY KEY (step, at, org_id, realm, tlp, class)
) @strict;
-- Sessions without content per source, sensor and minute: what makes a flood.
CREATE TABLE attack_minute (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL, minute @int NOT NULL,
    scans @int NOT NULL, scan_events @int NOT NULL, banners @int NOT NULL, banner_events @int NOT NULL
) @strict;
CREATE INDEX attack_minute_at ON attack_minute (minute);
",
    },
    Migration {
        number: 303,
        name: "attack_campaign",
        sql: "
CREATE TABLE campaign (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    sessions @int NOT NULL, sources @int NOT NULL, sensors @int NOT NULL, orgs @int NOT NULL, class @text NOT NULL,
    joined_by @text, targeted @real NOT NULL, noise @int NOT NULL, first_at @int NOT NULL, last_at @int NOT NULL,
    merged_into @id,
    -- 1 while numbers that need all contacts wait to be counted again.
    stale @int NOT NULL
) @strict;
CREATE INDEX campaign_stale ON campaign (id) WHERE stale = 1;
CREATE INDEX campaign_last ON campaign (last_at, id) WHERE sessions > 1 AND merged_into IS NULL;
CREATE INDEX campaign_merged ON campaign (merged_into);
CREATE TABLE campaign_contact (
    campaign_id @id NOT NULL, sensor_id @id NOT NULL, src_key @bytes NOT NULL, src_ip @text NOT NULL,
    org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    sessions @int NOT NULL, first_at @int NOT NULL, last_at @int NOT NULL,
    PRIMARY KEY (campaign_id, sensor_id, src_key)
) @strict;
-- What sessions of a campaign share; the id is made from realm, kind and value.
CREATE TABLE campaign_key (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    campaign_id @id NOT NULL, kind @text NOT NULL, label @text NOT NULL, sessions @int NOT NULL
) @strict;
CREATE INDEX campaign_key_campaign ON campaign_key (campaign_id);
-- Signatures of command sequences and their bands; key_id is the row of campaign_key.
CREATE TABLE campaign_signature (
    key_id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL, signature @bytes NOT NULL
) @strict;
CREATE TABLE campaign_band (
    band_id @id NOT NULL, key_id @id NOT NULL, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    PRIMARY KEY (band_id, key_id)
) @strict;
",
    },
    Migration {
        number: 304,
        name: "observable",
        sql: "
-- One row per value, realm and scope; who may see it follows from its evidence.
CREATE TABLE observable (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL, scope @text NOT NULL,
    family @text NOT NULL, kind @text NOT NULL, value @text NOT NULL,
    class @text NOT NULL, score @real NOT NULL, band @int NOT NULL, factors @text NOT NULL, sessions @int NOT NULL,
    sensors @int NOT NULL, orgs @int NOT NULL, noise @int NOT NULL, benign @text, campaign_id @id,
    first_at @int NOT NULL, last_at @int NOT NULL, recent @text NOT NULL,
    -- When the score will have left its band, if nothing new is seen.
    fades_at @int
) @strict;
CREATE INDEX observable_fades ON observable (fades_at) WHERE fades_at IS NOT NULL;
-- Covers the count of sources within a clearance.
CREATE INDEX observable_last ON observable (family, last_at, id, realm, tlp, org_id);
CREATE INDEX observable_class ON observable (family, class, last_at, id);
CREATE TABLE observable_evidence (
    observable_id @id NOT NULL, sensor_id @id NOT NULL, class @text NOT NULL,
    org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    sessions @int NOT NULL, first_at @int NOT NULL, last_at @int NOT NULL,
    PRIMARY KEY (observable_id, sensor_id, class)
) @strict;
",
    },
    Migration {
        number: 305,
        name: "attack_aim",
        sql: "
-- Noise, targeted or undecided, with the factors; what it is told from.
ALTER TABLE observable DROP COLUMN noise;
ALTER TABLE observable ADD COLUMN aim @text NOT NULL DEFAULT 'undecided';
ALTER TABLE observable ADD COLUMN aim_factors @text NOT NULL DEFAULT '[]';
ALTER TABLE observable ADD COLUMN named @int NOT NULL DEFAULT 0;
ALTER TABLE observable ADD COLUMN human @int NOT NULL DEFAULT 0;
ALTER TABLE observable ADD COLUMN shared_sources @int NOT NULL DEFAULT 0;
ALTER TABLE observable ADD COLUMN shared_orgs @int NOT NULL DEFAULT 0;
ALTER TABLE campaign DROP COLUMN noise;
ALTER TABLE campaign ADD COLUMN aim @text NOT NULL DEFAULT 'undecided';
ALTER TABLE campaign ADD COLUMN aim_factors @text NOT NULL DEFAULT '[]';
ALTER TABLE campaign ADD COLUMN named @int NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN human @int NOT NULL DEFAULT 0;
-- What one source tried at one organisation, by hour: guessing and spraying are told apart across sessions.
CREATE TABLE attack_tries (
    id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL, at @int NOT NULL, hours @text NOT NULL
) @strict;
CREATE INDEX attack_tries_at ON attack_tries (at);
",
    },
    Migration {
        number: 306,
        name: "attack_retention",
        sql: "
-- What stays of a session whose events were removed: its outline and the SHA-256 of its event lines.
CREATE TABLE attack_kept (
    session_id @id PRIMARY KEY, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    sensor_id @id NOT NULL, src_ip @text NOT NULL, scope @text NOT NULL, protocol @text NOT NULL, dst_port @int NOT NULL,
    class @text NOT NULL, opened_at @int NOT NULL, last_at @int NOT NULL, closed_at @int,
    events @int NOT NULL, attempts @int NOT NULL, commands @int NOT NULL,
    digest @text NOT NULL, events_removed_at @int NOT NULL, session_removed_at @int
) @strict;
-- What a night has removed so far; becomes its audit leaves.
CREATE TABLE retention_count (
    job_id @id NOT NULL, part @text NOT NULL, org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL,
    removed @int NOT NULL, PRIMARY KEY (job_id, part, org_id, realm, tlp)
) @strict;
",
    },
    Migration {
        number: 307,
        name: "sensor_certificates",
        sql: "
-- The next certificate and the one before, as JSON: see base::papers.
ALTER TABLE sensor ADD COLUMN cert_more @text;
",
    },
];
