-- pgrest.request(): every method.
CREATE TABLE regress_api.boats (id integer PRIMARY KEY, name text NOT NULL, length numeric DEFAULT 7.5);
GRANT SELECT ON regress_api.boats TO regress_anon;
GRANT ALL ON regress_api.boats TO regress_clerk;
INSERT INTO regress_api.boats VALUES (1, 'Anna', 9.25), (2, 'Berta', NULL);
CREATE FUNCTION regress_api.add(a integer, b integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT a + b';

-- headers of a clerk, and a few more
CREATE FUNCTION pg_temp.clerk(more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT more || jsonb_build_object('Authorization',
    'Bearer ' || pgrest.sign('{"role":"regress_clerk"}', 'a secret of the regression tests')) $$;

SELECT status, headers ->> 'Content-Type' AS type, headers ->> 'Content-Range' AS range, body
  FROM pgrest.request('GET', '/boats?order=id');
SELECT status, headers ->> 'Content-Range' AS range, body
  FROM pgrest.request('HEAD', '/boats', '{"Prefer": "count=exact"}');
SELECT status, body FROM pgrest.request('GET', '/boats?select=name&id=eq.1', '{"Accept": "text/csv"}');
SELECT status, body FROM pgrest.request('GET', '/boats?id=eq.1', '{"Accept": "application/vnd.pgrst.object+json"}');

SELECT status, body FROM pgrest.request('POST', '/boats', '{}', '{"id": 3, "name": "Clara"}');
SELECT status, headers ->> 'Location' AS location, body
  FROM pgrest.request('POST', '/boats', pg_temp.clerk('{"Prefer": "return=headers-only"}'), '{"id": 3, "name": "Clara"}');
SELECT status, body
  FROM pgrest.request('PATCH', '/boats?id=eq.3', pg_temp.clerk('{"Prefer": "return=representation"}'), '{"length": 8}');
SELECT status, body
  FROM pgrest.request('PUT', '/boats?id=eq.4', pg_temp.clerk('{"Prefer": "return=representation"}'), '{"id": 4, "name": "Dora", "length": 1}');
SELECT status, headers ->> 'Content-Range' AS range, body
  FROM pgrest.request('DELETE', '/boats?id=gte.3', pg_temp.clerk('{"Prefer": "count=exact"}'));
SELECT * FROM regress_api.boats ORDER BY id;

SELECT status, body FROM pgrest.request('GET', '/rpc/add?a=1&b=2');
SELECT status, body FROM pgrest.request('POST', '/rpc/add', '{}', '{"a": 1, "b": 2}');
SELECT status, headers ->> 'Allow' AS allow FROM pgrest.request('OPTIONS', '/boats');
SELECT status, headers ->> 'Allow' AS allow FROM pgrest.request('OPTIONS', '/rpc/add');
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('BREW', '/boats');
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('PATCH', '/rpc/add');

-- errors are answers, and what failed leaves nothing
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/nothing');
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/boats?id=eq.x');
SELECT status, body::json ->> 'code' AS code
  FROM pgrest.request('POST', '/boats', pg_temp.clerk(), '[{"id": 5, "name": "Emma"}, {"id": 1, "name": "Anna"}]');
SELECT count(*) FROM regress_api.boats;

-- schemas
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/boats', '{"Accept-Profile": "regress_other"}');
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/boats', '{"Accept-Profile": "public"}');

-- Prefer: tx undoes one request, not what the caller did before
BEGIN;
INSERT INTO regress_api.boats VALUES (6, 'Frieda');
SELECT status, headers ->> 'Preference-Applied' AS applied
  FROM pgrest.request('POST', '/boats', pg_temp.clerk('{"Prefer": "tx=rollback"}'), '{"id": 7, "name": "Gerda"}');
SELECT status FROM pgrest.request('POST', '/boats', pg_temp.clerk(), '{"id": 8, "name": "Hanna"}');
SELECT id FROM regress_api.boats ORDER BY id;
ROLLBACK;
SELECT id FROM regress_api.boats ORDER BY id;

-- the caller's role and settings are as before
SELECT current_user = session_user AS same_role, coalesce(current_setting('request.jwt.claims', true), '') AS claims,
       coalesce(current_setting('request.method', true), '') AS method;
-- a read cannot write, and what comes after it can
CREATE FUNCTION regress_api.christen(id integer, name text) RETURNS integer LANGUAGE sql AS
  'INSERT INTO regress_api.boats VALUES ($1, $2) RETURNING id';
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/rpc/christen?id=9&name=Ida', pg_temp.clerk());
SELECT status, body FROM pgrest.request('POST', '/rpc/christen', pg_temp.clerk(), '{"id": 9, "name": "Ida"}');
SELECT status FROM pgrest.request('DELETE', '/boats?id=eq.9', pg_temp.clerk());
-- inside functions, also where errors are caught
DO $$
DECLARE
  answer record;
BEGIN
  FOR i IN 1 .. 3 LOOP
    BEGIN
      SELECT * INTO answer FROM pgrest.request('GET', '/boats?id=eq.' || i);
      RAISE NOTICE '% % as %', answer.status, answer.body, current_user = session_user;
      PERFORM 1 / (i - 2);
    EXCEPTION WHEN division_by_zero THEN
      RAISE NOTICE 'caught';
    END;
  END LOOP;
END $$;
-- what browsers ask before they ask
SELECT status, headers ->> 'Access-Control-Allow-Methods' AS methods
  FROM pgrest.request('OPTIONS', '/anything', '{"Origin": "http://example.com", "Access-Control-Request-Method": "PUT"}');
-- settings of the response; what is sent several times is joined
CREATE FUNCTION regress_api.teapot() RETURNS text LANGUAGE sql AS $$
  SELECT set_config('response.status', '418', true);
  SELECT set_config('response.headers', '[{"Set-Cookie": "a=1"}, {"Set-Cookie": "b=2"}]', true);
  SELECT 'short and stout' $$;
SELECT status, headers ->> 'Set-Cookie' AS cookies, body FROM pgrest.request('POST', '/rpc/teapot');
SELECT coalesce(current_setting('response.status', true), '') AS status_left;
-- names of headers know no case
SELECT status, body FROM pgrest.request('GET', '/boats?id=eq.1&select=id', '{"aCCept": "text/csv"}');

-- only superusers and the authenticator may
SET ROLE regress_clerk;
SELECT status FROM pgrest.request('GET', '/boats');
RESET ROLE;
SET SESSION AUTHORIZATION regress_authenticator;
SELECT status, body FROM pgrest.request('GET', '/boats?select=name&id=eq.1');
SELECT status, body FROM pgrest.request('GET', '/boats?select=name&id=eq.2', pg_temp.clerk());
SELECT current_user, session_user;
RESET SESSION AUTHORIZATION;
-- a role that the authenticator is no member of, although the caller is
CREATE FUNCTION pg_temp.as_role(role text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('Authorization', 'Bearer ' ||
    pgrest.sign(json_build_object('role', role), 'a secret of the regression tests')) $$;
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/boats', pg_temp.as_role('pg_monitor'));
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/boats', pg_temp.as_role('nobody at all'));
-- arguments
SELECT status FROM pgrest.request(NULL, '/boats');
SELECT status FROM pgrest.request('GET', '/boats', '[]');
SELECT status FROM pgrest.request('GET', '/boats', '{"Accept": 5}');
