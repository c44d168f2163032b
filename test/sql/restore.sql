-- Undoes configure.sql.
SET client_min_messages = warning;
-- the executors let go of this database
SELECT pgrest.pause();
\set ECHO none
SELECT format('ALTER SYSTEM RESET %s', name) FROM pg_settings WHERE name LIKE 'pgrest.%' AND context <> 'internal'
UNION ALL SELECT 'ALTER SYSTEM RESET pgrest.jwt_secret' \gexec
SELECT format('ALTER SYSTEM SET %s = %L', name, setting) FROM regress_settings \gexec
\set ECHO all
SELECT pgrest.reload();
SELECT pgrest.resume();
DROP SCHEMA regress_api, regress_other CASCADE;
DROP TABLE regress_settings;
DROP EXTENSION pgrest;
DROP ROLE regress_clerk, regress_anon, regress_authenticator;
