-- SPDX-License-Identifier: Apache-2.0
-- Said at the start of every PostgreSQL connection. A commit is on disk before it is told, whatever
-- the server does by default; nobody waits longer than the broker does; a gateway that is frozen in
-- a transaction does not hold up the others for ever.
SET synchronous_commit = on;
SET default_transaction_isolation = 'read committed';
SET lock_timeout = 1000;
SET statement_timeout = 1200;
SET idle_in_transaction_session_timeout = 30000;
SET client_min_messages = warning;
SET standard_conforming_strings = on;
SET escape_string_warning = off;
SET tcp_keepalives_idle = 5;
SET tcp_keepalives_interval = 1;
SET tcp_keepalives_count = 3;
