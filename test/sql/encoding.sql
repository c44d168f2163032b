-- In a database of encoding LATIN1: sign, verify and request speak UTF-8 inside and LATIN1 outside.
SET client_min_messages = warning;
\set here :DBNAME
CREATE DATABASE regress_latin1 TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_latin1
SET client_encoding = 'UTF8';
CREATE EXTENSION pgrest;
CREATE SCHEMA regress_api;
CREATE SCHEMA regress_other;
GRANT USAGE ON SCHEMA regress_api TO regress_anon, regress_clerk;

-- made by another signer, of {"name":"Zoé"} and of {"name":"日本"}
\set zoe 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYW1lIjoiWm_DqSJ9.WZOZBSodoOidhp4tL2OkaAgsGUTS27i7rvDo0nEL7Jc'
\set nihon 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYW1lIjoi5pel5pysIn0.K_gh65YMFGNzvL0KEyesO8-fQvOeDxqkIpI4WzCn0rE'
SELECT pgrest.sign('{"name":"Zoé"}', 'clé') = :'zoe' AS same;
SELECT payload ->> 'name' AS name, valid FROM pgrest.verify(pgrest.sign('{"name":"Zoé"}', 'clé'), 'clé');
SELECT valid FROM pgrest.verify(pgrest.sign('{"name":"Zoé"}', 'clé'), 'clÃ©');
SELECT payload ->> 'name' AS name, valid FROM pgrest.verify(:'zoe', 'clé');
SELECT payload ->> 'name' AS name, valid FROM pgrest.verify(:'nihon', 'clé');

CREATE TABLE regress_api."Gäste" (nr int PRIMARY KEY, "Größe" text, owner text);
INSERT INTO regress_api."Gäste" VALUES (1, 'groß', 'é'), (2, 'klein', 'Ã©');
ALTER TABLE regress_api."Gäste" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON regress_api."Gäste" USING (owner = current_setting('request.jwt.claim.sub', true));
GRANT ALL ON regress_api."Gäste" TO regress_clerk;
CREATE FUNCTION pg_temp.as_user(sub text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT more || jsonb_build_object('Authorization', 'Bearer ' ||
    pgrest.sign(json_build_object('role', 'regress_clerk', 'sub', sub), 'a secret of the regression tests')) $$;
SELECT status, body FROM pgrest.request('GET', '/Gäste?select=nr,Größe', pg_temp.as_user('é'));
SELECT status, body FROM pgrest.request('GET', '/G%C3%A4ste?select=ä:Größe', pg_temp.as_user('Ã©'));
SELECT status, headers ->> 'Location' AS location, body FROM pgrest.request('POST', '/Gäste',
  pg_temp.as_user('é', '{"Prefer": "return=representation"}'), '{"nr": 3, "Größe": "mäßig", "owner": "é"}');
SELECT "Größe" FROM regress_api."Gäste" WHERE nr = 3;
SELECT status, body::json ->> 'message' AS message FROM pgrest.request('GET', '/Gäste?select=Grösse', pg_temp.as_user('é'));
SELECT status, body::json ->> 'hint' AS hint FROM pgrest.request('GET', '/Gaste', pg_temp.as_user('é'));
-- what LATIN1 cannot hold
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/%E6%97%A5');
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/Gäste?nr=eq.%E6%97%A5', pg_temp.as_user('é'));
SELECT status, body::json ->> 'code' AS code FROM pgrest.request('GET', '/Gäste?select=%E6%97%A5', pg_temp.as_user('é'));
-- arguments that are wrong
SELECT pgrest.request('GET', '/', '{"é": 1}');
SELECT pgrest.sign('{}', 'x', 'é');

-- an answer that LATIN1 cannot hold
SELECT pgrest.request('GET', '/Gäste?select=%E6%97%A5(*)', pg_temp.as_user('é'));
-- the file of settings is UTF-8, and ALTER SYSTEM would write LATIN1
ALTER SYSTEM SET pgrest.db_pre_request = 'été';
ALTER SYSTEM SET pgrest.jwt_secret = 'été';
\c :here
DROP DATABASE regress_latin1;
