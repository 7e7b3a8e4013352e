// Our example APIs accept the DPoP proofs that openid-client and oauth4webapi make (RFC 9449), with bound tokens of the
// development org, and refuse changed ones.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as jose from "jose";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";

import { ADA, startApi, startOrg } from "./org.mjs";

const SECRET = "a-secret-of-more-than-32-characters";
const CLIENT = "0oapeerdpopcaller";

let org;
before(async () => {
  org = await startOrg();
  const members = { id: CLIENT, type: "service", secret: SECRET, dpop_bound_access_tokens: true };
  const answer = await fetch(`${org.url}/dev/clients`, { method: "POST", body: JSON.stringify(members) });
  assert.equal(answer.status, 201, await answer.text());
});
after(() => org?.stop());

/// The current libraries name the algorithm of Ed25519 keys by RFC 9864, and the earlier ones `EdDSA`.
const earlierName = (header) => { if (header.alg === "Ed25519") header.alg = "EdDSA"; };

/// A token for a key, from the token endpoint.
async function boundToken(keys) {
  const config = await client.discovery(
    new URL(org.issuer), CLIENT, {}, client.ClientSecretBasic(SECRET), { execute: [client.allowInsecureRequests] },
  );
  const DPoP = client.getDPoPHandle(config, keys);
  return (await client.clientCredentialsGrant(config, { scope: "orders:read" }, { DPoP })).access_token;
}

/// A token without a request to the token endpoint, which accepts only Okta's algorithms for proofs.
async function mintedToken(claims) {
  const order = JSON.stringify({ login: ADA.login, scopes: ["orders:read"], claims });
  return (await (await fetch(`${org.url}/dev/tokens`, { method: "POST", body: order })).json()).token;
}

const thumbprint = async (keys) => jose.calculateJwkThumbprint(await jose.exportJWK(keys.publicKey));

/// The peers. `change` gets the header and the claims of each proof before it is signed, and `send` replaces `fetch`.
const peers = {
  "openid-client": async (keys, { change, send } = {}) => {
    const config = await client.discovery(
      new URL(org.issuer), CLIENT, {}, client.None(), { execute: [client.allowInsecureRequests] },
    );
    if (send) config[client.customFetch] = send;
    const DPoP = client.getDPoPHandle(config, keys, change && { [client.modifyAssertion]: change });
    return (url, token) => client.fetchProtectedResource(config, token, new URL(url), "GET", null, undefined, { DPoP });
  },
  oauth4webapi: async (keys, { change, send } = {}) => {
    const DPoP = oauth.DPoP({ client_id: CLIENT }, keys, change && { [oauth.modifyAssertion]: change });
    const options = { DPoP, [oauth.allowInsecureRequests]: true, ...(send && { [oauth.customFetch]: send }) };
    const request = (url, token) => oauth.protectedResourceRequest(token, "GET", new URL(url), undefined, null, options);
    return async (url, token) => {
      try {
        return await request(url, token);
      } catch (error) {
        // openid-client repeats the request by itself, and this library leaves that to its caller.
        if (!oauth.isDPoPNonceError(error)) throw error;
        return request(url, token);
      }
    };
  },
};

/// Expects 401 with a challenge of the scheme `DPoP`.
async function refused(answer, error, what) {
  await assert.rejects(answer, (failure) => {
    assert.deepEqual([failure.status, failure.cause?.[0]?.scheme], [401, "dpop"], `${what}: ${failure}`);
    assert.equal(failure.cause[0].parameters.error, error, what);
    assert.match(failure.cause[0].parameters.algs, /^ES256 /, what);
    return true;
  });
}

const algorithms = ["ES256", "ES384", "Ed25519", "PS256", "RS256", "RS384", "RS512"];

for (const name of ["axum-api", "actix-api"]) {
  for (const [peer, connect] of Object.entries(peers)) {
    test(`${name} accepts proofs of ${peer} and refuses changed ones`, async () => {
      const api = await startApi(name, org);
      try {
        const keys = await client.randomDPoPKeyPair("ES256");
        const token = await boundToken(keys);
        const url = `${api.base}/orders`;
        const call = await connect(keys);
        for (const target of [url, `${api.base}/whoami`, `${url}?page=2`]) {
          const answer = await call(target, token);
          assert.deepEqual([answer.status, (await answer.json()).client], [200, CLIENT], target);
        }
        await mutations(connect, keys, token, url);
        await captured(connect, keys, token, url);
      } finally {
        api.stop();
      }
    });

    test(`${name} accepts each algorithm of ${peer}`, async () => {
      const api = await startApi(name, org);
      try {
        for (const alg of algorithms) {
          const keys = await client.randomDPoPKeyPair(alg);
          const token = await mintedToken({ cnf: { jkt: await thumbprint(keys) } });
          for (const change of [undefined, earlierName]) {
            const call = await connect(keys, { change });
            assert.equal((await call(`${api.base}/orders`, token)).status, 200, alg);
          }
        }
        // The library can sign with it, and the API names it nowhere.
        const keys = await client.randomDPoPKeyPair("ES512");
        const token = await mintedToken({ cnf: { jkt: await thumbprint(keys) } });
        await refused((await connect(keys))(`${api.base}/orders`, token), "invalid_dpop_proof", "ES512");
      } finally {
        api.stop();
      }
    });
  }
}

/// The settings of an API that requires nonces of its own (RFC 9449 §9). Replicas and other APIs may share the secret.
const WITH_NONCES = {
  OKTA_DPOP_NONCE_LIFETIME: "5m",
  OKTA_COOKIE_SECRET: "a secret of the API for tests with more than 32 bytes",
};

for (const name of ["axum-api", "actix-api"]) {
  for (const [peer, connect] of Object.entries(peers)) {
    test(`${name} gives ${peer} a nonce`, async () => {
      const [api, other] = [await startApi(name, org, WITH_NONCES), await startApi(name, org, WITH_NONCES)];
      try {
        const keys = await client.randomDPoPKeyPair("ES256");
        const token = await boundToken(keys);
        const answers = [];
        const send = async (...call) => {
          const answer = await fetch(...call);
          answers.push(answer);
          return answer;
        };
        const call = await connect(keys, { send });
        const statuses = async (base) => {
          answers.length = 0;
          assert.equal((await call(`${base}/orders`, token)).status, 200);
          return answers.map((answer) => answer.status);
        };
        assert.deepEqual(await statuses(api.base), [401, 200]);
        const own = answers[0].headers.get("dpop-nonce");
        assert.deepEqual(await statuses(api.base), [200], "the nonce is used again");
        assert.deepEqual(await statuses(other.base), [401, 200], "each origin has its own");
        const foreign = answers[0].headers.get("dpop-nonce");
        const forged = own.slice(0, -8) + [...own.slice(-8)].reverse().join("");
        for (const [what, nonce] of [["another API", foreign], ["forged", forged], ["none", undefined]]) {
          const change = (_, claims) => { claims.nonce = nonce; };
          await refused((await connect(keys, { change }))(`${api.base}/orders`, token), "use_dpop_nonce", what);
        }
        const change = (_, claims) => { claims.nonce = own; };
        assert.equal((await (await connect(keys, { change }))(`${api.base}/orders`, token)).status, 200, "control");
      } finally {
        api.stop();
        other.stop();
      }
    });
  }
}

/// The library signs other claims or with another header.
async function mutations(connect, keys, token, url) {
  const other = await client.randomDPoPKeyPair("ES256");
  const jwk = await jose.exportJWK(other.publicKey);
  const seconds = (count) => (_, claims) => { claims.iat += count; };
  for (const [what, change] of [
    ["another method", (_, claims) => { claims.htm = "POST"; }],
    ["the method in lower case", (_, claims) => { claims.htm = "get"; }],
    ["another path", (_, claims) => { claims.htu = claims.htu.replace("/orders", "/whoami"); }],
    ["another host", (_, claims) => { claims.htu = claims.htu.replace("127.0.0.1", "localhost"); }],
    ["another scheme", (_, claims) => { claims.htu = claims.htu.replace("http:", "https:"); }],
    ["the hash of another token", (_, claims) => { claims.ath = `A${claims.ath.slice(1)}`; }],
    ["no hash of the token", (_, claims) => { delete claims.ath; }],
    ["too old", seconds(-180)],
    ["from the future", seconds(180)],
    ["no time", (_, claims) => { delete claims.iat; }],
    ["no identifier", (_, claims) => { delete claims.jti; }],
    ["another type", (header) => { header.typ = "JWT"; }],
    ["another key in the header", (header) => { header.jwk = jwk; }],
    ["no key", (header) => { delete header.jwk; }],
    ["another algorithm", (header) => { header.alg = "ES384"; }],
    ["no signature", (header) => { header.alg = "none"; }],
  ]) {
    await refused((await connect(keys, { change }))(url, token), "invalid_dpop_proof", what);
  }
  for (const change of [seconds(-55), seconds(55), (header) => { header.jwk = { ...header.jwk, kid: "k", use: "sig" }; }]) {
    assert.equal((await (await connect(keys, { change }))(url, token)).status, 200, "control");
  }
  await refused((await connect(other))(url, token), "invalid_dpop_proof", "the key of a thief");
  const unbound = await mintedToken({});
  await refused((await connect(keys))(url, unbound), "invalid_token", "a token without a key");
  const bearer = await fetch(url, { headers: { authorization: `Bearer ${unbound}` } });
  assert.equal(bearer.status, 200, "control");
}

/// An attacker has a request that the library made.
async function captured(connect, keys, token, url) {
  const take = async (target = url, bound = token) => {
    let headers;
    const call = await connect(keys, { send: (_, options) => { ({ headers } = options); return new Response(); } });
    await call(target, bound);
    return headers;
  };
  const send = async (headers, target = url) => {
    const answer = await fetch(target, { headers });
    const challenges = answer.headers.get("www-authenticate") ?? "";
    return { status: answer.status, error: /error="([^"]+)"/.exec(challenges)?.[1], challenges };
  };
  const proofRefused = async (headers, what, target) => {
    const answer = await send(headers, target);
    assert.deepEqual([answer.status, answer.error], [401, "invalid_dpop_proof"], what);
    assert.match(answer.challenges, /^DPoP /, what);
  };
  const request = await take();
  await proofRefused(request, "sent to another URL", `${new URL(url).origin}/whoami`);
  assert.equal((await send(request)).status, 200, "control");
  await proofRefused(request, "sent again");
  const second = await boundToken(keys);
  const [ours, theirs] = [await take(), await take(url, second)];
  await proofRefused({ ...ours, dpop: theirs.dpop }, "the proof for another token of the same key");
  assert.equal((await send(theirs)).status, 200, "control");
  const twice = new Headers(ours);
  twice.append("dpop", (await take()).dpop);
  await proofRefused(twice, "two proofs");
  for (const headers of [{ ...ours, authorization: `Bearer ${token}` }, { authorization: `Bearer ${token}` }]) {
    const answer = await send(headers);
    assert.deepEqual([answer.status, answer.error], [401, "invalid_token"], "a bound token after Bearer");
    assert.match(answer.challenges, /^Bearer error="invalid_token".*, DPoP algs=/, "both challenges");
  }
  const { dpop, ...without } = ours;
  assert.equal((await send(without)).status, 401, "without a proof");
  assert.equal((await send({ ...without, dpop })).status, 200, "control");
}
