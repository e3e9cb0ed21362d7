-- SPDX-License-Identifier: Apache-2.0
-- Several gateways on one store. An embedded store has one, which needs no row here and is node 0.
-- Rows of the trail and heads of node n from 2 on are numbered from (n - 1) * 2^40, so that each node
-- has a trail of its own (store_node.c).
CREATE TABLE nodes (
	id IDENTITY,
	name TEXT NOT NULL UNIQUE,
	started_at BIGINT NOT NULL,
	-- its lease: who was not seen for long is gone, and its sessions with it
	seen_at BIGINT NOT NULL,
	gone_at BIGINT NOT NULL DEFAULT 0
) BY_ROW;

-- Where it was opened, and lives.
ALTER TABLE sessions ADD COLUMN node BIGINT NOT NULL DEFAULT 0;

-- Ends that one node asks of another, until they are done.
CREATE TABLE endings (
	session_id BIGINT NOT NULL PRIMARY KEY REFERENCES sessions (id),
	node BIGINT NOT NULL,
	why BIGINT NOT NULL,
	reason TEXT NOT NULL,
	actor TEXT NOT NULL,
	origin TEXT NOT NULL,
	asked_at BIGINT NOT NULL
) BY_ROW;
CREATE INDEX endings_by_node ON endings (node);
