// Keys of every algorithm, as JSON Web Keys, and tokens signed with them by node's own cryptography.
import { constants, createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { until } from './server.mjs';

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const hash = (algorithm) => `sha${algorithm.slice(2)}`;
const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

export const algorithms = [
  'HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA',
];

const base64url = (value) => Buffer.from(value).toString('base64url');

let rsa; // takes long to make, so one serves all unless another is asked for

function generate(algorithm, { curve, fresh }) {
  if (/^[RP]S/.test(algorithm) && fresh) return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (/^[RP]S/.test(algorithm)) return (rsa ??= generateKeyPairSync('rsa', { modulusLength: 2048 }));
  if (algorithm === 'EdDSA') return generateKeyPairSync(curve === 'Ed448' ? 'ed448' : 'ed25519');
  return generateKeyPairSync('ec', { namedCurve: curves[algorithm] });
}

function signer(algorithm, key) {
  if (algorithm.startsWith('RS')) return (data) => sign(hash(algorithm), data, key);
  if (algorithm.startsWith('PS')) return (data) => sign(hash(algorithm), data, { key, ...pss });
  if (algorithm === 'EdDSA') return (data) => sign(null, data, key);
  return (data) => sign(hash(algorithm), data, { key, dsaEncoding: 'ieee-p1363' });
}

// { algorithm, kid, public: JWK, private: JWK, token(claims, header) }
export function makeKey(algorithm, { kid, ...how } = {}) {
  const members = { alg: algorithm, use: 'sig', ...(kid && { kid }) };
  let key;
  let signWith;
  if (algorithm.startsWith('HS')) {
    const secret = randomBytes(64);
    key = { public: { kty: 'oct', k: secret.toString('base64url'), ...members } };
    key.private = key.public;
    signWith = (data) => createHmac(hash(algorithm), secret).update(data).digest();
  } else {
    const pair = generate(algorithm, how);
    key = {
      public: { ...pair.publicKey.export({ format: 'jwk' }), ...members },
      private: { ...pair.privateKey.export({ format: 'jwk' }), ...members },
    };
    signWith = signer(algorithm, pair.privateKey);
  }
  key.algorithm = algorithm;
  key.kid = kid;
  key.token = (claims, header = {}) => {
    const payload = typeof claims === 'string' ? claims : JSON.stringify(claims);
    const signed = `${base64url(JSON.stringify({ alg: algorithm, ...(kid && { kid }), ...header }))}.${base64url(payload)}`;
    return `${signed}.${signWith(Buffer.from(signed)).toString('base64url')}`;
  };
  return key;
}

export const keySet = (...keys) => JSON.stringify({ keys: keys.map((key) => key.public) });
export const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

// Requests without a break, each with a token that valid() names at its beginning; the answers that were not 200.
export function load(server, valid) {
  const refused = [];
  let count = 0;
  let running = true;
  const one = async () => {
    while (running) {
      const answer = await server.get('/rpc/whoami', bearer(valid()));
      count += 1;
      if (answer.status !== 200 || answer.body !== 'clerk') refused.push(answer.text);
    }
  };
  const workers = [one(), one(), one(), one()];
  return {
    refused,
    // until so many further answers have come
    more: (wanted) => {
      const before = count;
      return until(`${wanted} requests`, () => count >= before + wanted);
    },
    end: async () => {
      running = false;
      await Promise.all(workers);
    },
  };
}
