//! Tables of this room.

use store::Migration;

/// The migrations of this room, 200 to 299.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 200,
        name: "org",
        sql: "
CREATE TABLE org (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  code @text NOT NULL, name_zh @text NOT NULL, name_en @text NOT NULL, kind @text NOT NULL, parent_id @id,
  sector @text, criticality @text NOT NULL, level @text, own @int, from_at @int NOT NULL, to_at @int,
  version @int NOT NULL
) @strict;
CREATE UNIQUE INDEX org_code ON org (code);
-- One row at most is this centre's own: the others hold NULL here.
CREATE UNIQUE INDEX org_own ON org (own);
CREATE INDEX org_parent ON org (parent_id);
CREATE TABLE org_closure (
  ancestor_id @id NOT NULL, descendant_id @id NOT NULL, PRIMARY KEY (ancestor_id, descendant_id)
) @strict;
CREATE INDEX org_closure_descendant ON org_closure (descendant_id, ancestor_id);
-- Every change of the registry takes the next number: decisions are made on a known state, and other nodes see that
-- their index is behind.
CREATE TABLE registry_state (name @text PRIMARY KEY, version @int NOT NULL) @strict;
INSERT INTO registry_state (name, version) VALUES ('registry', 0);
",
    },
    Migration {
        number: 201,
        name: "org_belongings",
        sql: "
CREATE TABLE org_network (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  scope @text NOT NULL, net @text NOT NULL, from_at @int NOT NULL, to_at @int, version @int NOT NULL
) @strict;
CREATE INDEX org_network_org ON org_network (org_id, id);
CREATE TABLE org_domain (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  name @text NOT NULL, from_at @int NOT NULL, to_at @int, version @int NOT NULL
) @strict;
CREATE INDEX org_domain_org ON org_domain (org_id, id);
CREATE TABLE org_asn (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  number @int NOT NULL, from_at @int NOT NULL, to_at @int, version @int NOT NULL
) @strict;
CREATE INDEX org_asn_org ON org_asn (org_id, id);
CREATE TABLE org_circuit (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  number @text NOT NULL, provider @text NOT NULL, mbps @int, from_at @int NOT NULL, to_at @int, version @int NOT NULL
) @strict;
CREATE INDEX org_circuit_org ON org_circuit (org_id, id);
CREATE TABLE org_contact (
  id @id PRIMARY KEY, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  name @text NOT NULL, role @text NOT NULL, mail @text NOT NULL, telephone @text NOT NULL,
  from_at @int NOT NULL, to_at @int, version @int NOT NULL
) @strict;
CREATE INDEX org_contact_org ON org_contact (org_id, id);
",
    },
];
