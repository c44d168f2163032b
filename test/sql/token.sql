-- Tokens: sign and verify, and the examples of RFC 7515.
-- the example that everybody knows
SELECT pgrest.sign('{"sub":"1234567890","name":"John Doe","admin":true}', 'secret')
     = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWV9.TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ' AS known;

-- every algorithm, signed and verified; the payload stays the text that it was
SELECT alg, header, payload, valid
  FROM unnest(ARRAY['HS256', 'HS384', 'HS512']) alg,
       pgrest.verify(pgrest.sign('{"n": 12345678901234567890, "x":1e3}', 'secret', alg), 'secret', alg);
SELECT pgrest.sign('{}', 'secret', 'none');
SELECT pgrest.sign('{}', 'secret', 'RS256');
-- the key of RFC 7517 A.2
\set key '{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","kid":"1"}'
-- a JSON Web Key signs with its algorithms, names itself, and its public half verifies
SELECT header, valid FROM pgrest.verify(pgrest.sign('{"a":1}', :'key', 'ES256'), :'key', 'ES256');
SELECT valid FROM pgrest.verify(pgrest.sign('{}', :'key', 'ES256'), (:'key'::jsonb - 'd')::text, 'ES256');
SELECT pgrest.sign('{}', (:'key'::jsonb - 'd')::text, 'ES256');

-- what is not valid
SELECT valid FROM pgrest.verify(pgrest.sign('{"a":1}', 'secret'), 'other');
SELECT valid FROM pgrest.verify(pgrest.sign('{"a":1}', 'secret', 'HS512'), 'secret');
SELECT valid FROM pgrest.verify(pgrest.sign('{"exp":1000}', 'secret'), 'secret');
SELECT valid FROM pgrest.verify(pgrest.sign('{"nbf":99999999999}', 'secret'), 'secret');
SELECT valid FROM pgrest.verify(pgrest.sign('{"a":1}', 'secret') || 'x', 'secret');
SELECT * FROM pgrest.verify('no.token', 'secret');
SELECT pgrest.sign(NULL, 'secret') IS NULL AS null_in_null_out;

-- Vectors whose keys are in pgrest.jwt_secret. Their signatures are right: what is refused are the claims, which
-- expired in 2011 or are no JSON. With a letter of the payload or the signature changed, it is the signature.
CREATE TEMPORARY TABLE vectors (source text, token text);
INSERT INTO vectors VALUES
  ('RFC 7515 A.1, HS256',
   'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'),
  ('RFC 7515 A.2, RS256',
   'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw'),
  ('RFC 7515 A.3, ES256',
   'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'),
  ('RFC 7515 A.4, ES512',
   'eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn'),
  ('RFC 8037 A.4, EdDSA',
   'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg');
CREATE FUNCTION pg_temp.refusal(token text) RETURNS text LANGUAGE sql AS $$
  SELECT status || ' ' || (body::json ->> 'code')
    FROM pgrest.request('GET', '/', jsonb_build_object('Authorization', 'Bearer ' || token)) $$;
SELECT source, pg_temp.refusal(token) AS as_it_is,
       pg_temp.refusal(overlay(token PLACING CASE WHEN substr(token, length(token) - 9, 1) = 'A' THEN 'B' ELSE 'A' END
                               FROM length(token) - 9 FOR 1)) AS other_signature,
       pg_temp.refusal(regexp_replace(token, '\..(.)', '.Z\1')) AS other_payload
  FROM vectors ORDER BY source;
-- A.5, without a signature
SELECT pg_temp.refusal('eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.');
-- the payload of A.1 as verify() shows it; its key is no text, so it is not valid with any
SELECT header::text, payload::text, valid FROM pgrest.verify((SELECT token FROM vectors WHERE source LIKE '%HS256'), 'x');
-- what OpenSSL signs with the same key
SELECT pgrest.sign('{}', 'Jefe', alg) = token AS as_openssl
  FROM (VALUES ('HS256', 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.VFDxF7musHoMCanqtn287AsiylaCy3WTug6VvPbtfK0'),
               ('HS384', 'eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.e30.GwMeCBFscfF4O0op-ochqgIvDcvTfH-1LOChGaG012C_PKv1Qs8-sUZvE41DdxRV'),
               ('HS512', 'eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.e30.25OSRus6PNNSW7OfEYQzJ5V-yoF2IyDLBGeoxLVz3oGuXbus_urBiaQdH4R0JBIoI5bVajbkl_ZJBHxZxEEXZw'))
       AS known (alg, token);
-- from a row, as logins call it, for everybody
SET ROLE regress_clerk;
SELECT payload ->> 'role' AS role, valid
  FROM pgrest.verify((SELECT pgrest.sign(row_to_json(r), 'secret') FROM (SELECT 'clerk' AS role, 4102444800 AS exp) r), 'secret');
RESET ROLE;
