-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION pgrest" to load this file. \quit

-- Logins written in SQL find sign() here; what is not for everybody is revoked below.
GRANT USAGE ON SCHEMA @extschema@ TO PUBLIC;

-- ---------------------------------------------------------------- tokens
CREATE FUNCTION sign(payload json, secret text, algorithm text DEFAULT 'HS256')
RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT
AS 'MODULE_PATHNAME', 'pgrest_sign';
COMMENT ON FUNCTION sign(json, text, text) IS
  'JSON Web Token (RFC 7519) of the payload, signed with HMAC: HS256, HS384 or HS512. Same signature as in the pgjwt extension.';

CREATE FUNCTION verify(token text, secret text, algorithm text DEFAULT 'HS256')
RETURNS TABLE (header json, payload json, valid boolean)
LANGUAGE c STABLE PARALLEL SAFE STRICT ROWS 1
AS 'MODULE_PATHNAME', 'pgrest_verify';
COMMENT ON FUNCTION verify(text, text, text) IS
  'Parts of a token and whether its HMAC signature is right and now lies between its nbf and exp. Same signature as in the pgjwt extension.';

-- ---------------------------------------------------------------- the API from SQL
CREATE FUNCTION request(method text, path text, headers jsonb DEFAULT '{}', body text DEFAULT NULL,
                        OUT status integer, OUT headers jsonb, OUT body text)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pgrest_request';
COMMENT ON FUNCTION request(text, text, jsonb, text) IS
  'Answers a request as the server would, inside the current transaction. For superusers and the authenticator.';

-- ---------------------------------------------------------------- the running server
CREATE FUNCTION version() RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgrest_version';
COMMENT ON FUNCTION version() IS 'Version of the pgrest library that is loaded.';

CREATE FUNCTION reload() RETURNS boolean
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'pgrest_reload';
COMMENT ON FUNCTION reload() IS 'Reads the configuration again, as pg_reload_conf() does.';
REVOKE ALL ON FUNCTION reload() FROM PUBLIC;

CREATE FUNCTION pause() RETURNS boolean
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'pgrest_pause';
COMMENT ON FUNCTION pause() IS
  'Lets go of the database: executors end and requests get 503 until resume(). For DROP, RENAME and CREATE DATABASE ... TEMPLATE.';
REVOKE ALL ON FUNCTION pause() FROM PUBLIC;

CREATE FUNCTION resume() RETURNS boolean
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'pgrest_resume';
COMMENT ON FUNCTION resume() IS 'Ends what pause() began.';
REVOKE ALL ON FUNCTION resume() FROM PUBLIC;

CREATE FUNCTION workers(OUT pid integer, OUT kind text, OUT state text, OUT since timestamptz, OUT request text,
                        OUT requests bigint)
RETURNS SETOF record
LANGUAGE c VOLATILE ROWS 8
AS 'MODULE_PATHNAME', 'pgrest_workers';
COMMENT ON FUNCTION workers() IS 'The rows of the view workers.';
REVOKE ALL ON FUNCTION workers() FROM PUBLIC;

CREATE VIEW workers AS SELECT * FROM workers();
COMMENT ON VIEW workers IS 'The processes of pgrest and what each is doing.';
REVOKE ALL ON workers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION workers() TO pg_monitor;
GRANT SELECT ON workers TO pg_monitor;
