-- SPDX-License-Identifier: Apache-2.0
-- The certificate an authorization's calls must come with: its SHA-256 in hex; '': none is asked for.
ALTER TABLE authorizations ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
