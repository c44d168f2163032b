# Makes and checks tokens with two libraries, for interop.test.mjs. Standard input: {"keys": [{"algorithm", "kid",
# "private", "public"}], "claims": {...}, "tokens": [[kid, token], ...]}. Standard output: {"made": [[library, kid, token],
# ...], "checked": [[library, kid, claims or error], ...]}.
import json
import sys

import jwt
from jwcrypto import jwk
from jwcrypto import jwt as jwcrypto_jwt

asked = json.load(sys.stdin)
by_kid = {key["kid"]: key for key in asked["keys"]}


def pyjwt_key(key, half):
    text = json.dumps(key[half])
    if key["algorithm"].startswith("HS"):
        return jwt.algorithms.HMACAlgorithm.from_jwk(text)
    if key["algorithm"][:2] in ("RS", "PS"):
        return jwt.algorithms.RSAAlgorithm.from_jwk(text)
    if key["algorithm"].startswith("ES"):
        return jwt.algorithms.ECAlgorithm.from_jwk(text)
    return jwt.algorithms.OKPAlgorithm.from_jwk(text)


class PyJwt:
    name = "PyJWT"

    def make(self, key):
        return jwt.encode(asked["claims"], pyjwt_key(key, "private"), key["algorithm"], headers={"kid": key["kid"]})

    def check(self, key, token):
        return jwt.decode(token, pyjwt_key(key, "public"), [key["algorithm"]])


class JwCrypto:
    name = "jwcrypto"

    def make(self, key):
        token = jwcrypto_jwt.JWT({"alg": key["algorithm"], "kid": key["kid"]}, asked["claims"])
        token.make_signed_token(jwk.JWK(**key["private"]))
        return token.serialize()

    def check(self, key, token):
        found = jwcrypto_jwt.JWT(jwt=token, key=jwk.JWK(**key["public"]), algs=[key["algorithm"]])
        return json.loads(found.claims)


def attempt(work):
    try:
        return work()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"


libraries = [PyJwt(), JwCrypto()]
json.dump(
    {
        "made": [[library.name, kid, attempt(lambda: library.make(key))] for library in libraries for kid, key in by_kid.items()],
        "checked": [
            [library.name, kid, attempt(lambda: library.check(by_kid[kid], token))]
            for library in libraries
            for kid, token in asked["tokens"]
        ],
    },
    sys.stdout,
)
