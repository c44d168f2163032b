-- A server that does not preload pgrest: what needs no workers works, the rest says what is missing.
SHOW shared_preload_libraries;
SET client_min_messages = warning;
CREATE ROLE regress_authenticator NOLOGIN NOINHERIT;
CREATE ROLE regress_anon;
GRANT regress_anon TO regress_authenticator;
CREATE EXTENSION pgrest;
SELECT pgrest.version() ~ '^\d+\.\d+\.\d+$' AS version;

SELECT payload, valid FROM pgrest.verify(pgrest.sign('{"role":"regress_anon"}', 'secret'), 'secret');

CREATE SCHEMA regress_api;
GRANT USAGE ON SCHEMA regress_api TO regress_anon;
CREATE TABLE regress_api.boats AS SELECT 1 AS id, 'Anna' AS name;
GRANT SELECT ON regress_api.boats TO regress_anon;
SHOW pgrest.db_schemas;
SELECT status, headers ->> 'Content-Type' AS type, body FROM pgrest.request('GET', '/boats');
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/ships');

SELECT * FROM pgrest.workers;
SELECT * FROM pgrest.queue;
SELECT pgrest.reload();
SELECT pgrest.pause();
SELECT pgrest.resume();
SELECT problem FROM pgrest.check_settings();

-- ordinary roles may sign, in a session that has not loaded the library before
CREATE ROLE regress_clerk;
\c -
SET ROLE regress_clerk;
SELECT valid FROM pgrest.verify(pgrest.sign('{}', 'secret'), 'secret');
SHOW pgrest.jwt_secret;
RESET ROLE;

-- what cannot be served is not served
ALTER SYSTEM SET pgrest.db_tx_end = 'sometimes';

DROP SCHEMA regress_api CASCADE;
DROP EXTENSION pgrest;
DROP ROLE regress_clerk, regress_anon, regress_authenticator;
