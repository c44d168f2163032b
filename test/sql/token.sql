-- Tokens: sign and verify, and the examples of RFC 7515.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgrest;

-- the example that everybody knows
SELECT pgrest.sign('{"sub":"1234567890","name":"John Doe","admin":true}', 'secret')
     = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWV9.TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ' AS known;

-- every algorithm, signed and verified; the payload stays the text that it was
SELECT alg, header, payload, valid
  FROM unnest(ARRAY['HS256', 'HS384', 'HS512']) alg,
       pgrest.verify(pgrest.sign('{"n": 12345678901234567890, "x":1e3}', 'secret', alg), 'secret', alg);
SELECT pgrest.sign('{}', 'secret', 'none');
SELECT pgrest.sign('{}', 'secret', 'RS256');

-- what is not valid
SELECT valid FROM pgrest.verify(pgrest.sign('{"a":1}', 'secret'), 'other');
SELECT valid FROM pgrest.verify(pgrest.sign('{"a":1}', 'secret', 'HS512'), 'secret');
SELECT valid FROM pgrest.verify(pgrest.sign('{"exp":1000}', 'secret'), 'secret');
SELECT valid FROM pgrest.verify(pgrest.sign('{"nbf":99999999999}', 'secret'), 'secret');
SELECT valid FROM pgrest.verify(pgrest.sign('{"a":1}', 'secret') || 'x', 'secret');
SELECT * FROM pgrest.verify('no.token', 'secret');
SELECT pgrest.sign(NULL, 'secret') IS NULL AS null_in_null_out;

-- RFC 7515 A.1 (HMAC), A.2 (RSA), A.3 (ECDSA): their signatures are right, and they expired in 2011;
-- one changed letter and the signature is wrong.
BEGIN;
CREATE TEMPORARY TABLE rfc7515 (appendix text, token text);
INSERT INTO rfc7515 VALUES
  ('A.1', 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'),
  ('A.2', 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw'),
  ('A.3', 'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q');
CREATE SCHEMA regress_api;
CREATE SCHEMA regress_other;
CREATE ROLE regress_authenticator LOGIN NOINHERIT;
CREATE ROLE regress_anon;
GRANT regress_anon TO regress_authenticator;
SELECT appendix, right_token.status, right_token.body::json ->> 'code' AS code,
       changed.status AS changed_status, changed.body::json ->> 'code' AS changed_code
  FROM rfc7515,
       pgrest.request('GET', '/', jsonb_build_object('Authorization', 'Bearer ' || token)) right_token,
       pgrest.request('GET', '/', jsonb_build_object('Authorization', 'Bearer ' || replace(token, '.eyJpc3Mi', '.eyJpc3Nj'))) changed
 ORDER BY appendix;
ROLLBACK;
