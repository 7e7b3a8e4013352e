// openid-client with DPoP, pushed and signed authorization requests, and encrypted ID tokens; jose opens such a token.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as jose from "jose";
import * as client from "openid-client";

import { ADA, startOrg } from "./org.mjs";

const REDIRECT_URI = "http://localhost:8080/authorization-code/callback";
const SECRET = "a-secret-of-more-than-32-characters";

let org;
before(async () => { org = await startOrg("--rfc-extensions"); });
after(() => org?.stop());

async function post(path, body) {
  const answer = await fetch(`${org.url}/dev${path}`, { method: "POST", body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.text());
}

/// Registers a client.
const register = (id, members) => post("/clients", { id, redirect_uris: [REDIRECT_URI], ...members });

async function configuration(issuer, id, authentication, metadata = {}) {
  return client.discovery(new URL(issuer), id, metadata, authentication, { execute: [client.allowInsecureRequests] });
}

/// Submits the sign-in page of the org like a browser, and returns where it redirects.
async function visit(url) {
  const page = await (await fetch(url)).text();
  const handle = page.match(/name="stateToken" value="([^"]+)"/)[1];
  const body = new URLSearchParams({ stateToken: handle, username: ADA.login, password: ADA.password });
  const answer = await fetch(`${org.url}/signin`, { method: "POST", body, redirect: "manual" });
  return new URL(answer.headers.get("location"));
}

/// The parameters of an authorization request, and the checks of its response.
async function request() {
  const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
  const parameters = {
    redirect_uri: REDIRECT_URI, scope: "openid profile email offline_access", state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  };
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  return { parameters, checks };
}

const claims = (token) => jose.decodeJwt(token);

/// RFC 9126 requires 201, and openid-client accepts nothing else. Okta's documentation shows 200.
const answerWith201 = () => post("/faults", { fault: { par: "created" }, once: true });

test("it signs in with a pushed request and with bound tokens, and retries with the nonce", async () => {
  await register("0oapeerdpop", {
    secret: SECRET, rotation: "rotate", dpop_bound_access_tokens: true, require_pushed_authorization_requests: true,
  });
  const config = await configuration(org.issuer, "0oapeerdpop", client.ClientSecretBasic(SECRET));
  const keys = await client.randomDPoPKeyPair("ES256", { extractable: true });
  const jkt = await jose.calculateJwkThumbprint(await jose.exportJWK(keys.publicKey));
  const DPoP = client.getDPoPHandle(config, keys);
  const { parameters, checks } = await request();
  await answerWith201();
  const url = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
  assert.deepEqual([...url.searchParams.keys()].sort(), ["client_id", "request_uri"]);
  const tokens = await client.authorizationCodeGrant(config, await visit(url), checks, undefined, { DPoP });
  assert.deepEqual([tokens.token_type, claims(tokens.access_token).cnf.jkt], ["dpop", jkt]);
  const subject = tokens.claims().sub;
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, subject, { DPoP });
  assert.equal(userinfo.family_name, "Lovelace");
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, subject));

  const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: other }), {
    error: "invalid_dpop_proof",
  });
  await post("/faults", { fault: { dpop: "nonce_replaced" }, once: true });
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  assert.equal(claims(renewed.access_token).cnf.jkt, jkt);
  const requests = await org.journal("/v1/token");
  const nonces = requests.filter((request) => request.refusal?.startsWith("use_dpop_nonce"));
  assert.ok(nonces.length >= 1, JSON.stringify(requests));
});

test("a service reads Okta's API with a bound token, with every kind of key", async () => {
  const signer = await jose.generateKeyPair("ES256", { extractable: true });
  const jwk = { ...await jose.exportJWK(signer.publicKey), kid: "k1", alg: "ES256", use: "sig" };
  await register("0oapeerdpopapi", {
    type: "service", auth_method: "private_key_jwt", jwks: [jwk], dpop_bound_access_tokens: true,
    okta_scopes: ["okta.users.read"], admin_roles: ["READ_ONLY_ADMIN"],
  });
  const audience = { [client.modifyAssertion]: (_header, payload) => { payload.aud = `${org.url}/oauth2/v1/token`; } };
  const byKey = client.PrivateKeyJwt({ key: signer.privateKey, kid: "k1" }, audience);
  for (const alg of ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512"]) {
    const config = await configuration(org.url, "0oapeerdpopapi", byKey);
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair(alg));
    const tokens = await client.clientCredentialsGrant(config, { scope: "okta.users.read" }, { DPoP });
    await post("/faults", { fault: { dpop: "resource_nonce" }, once: true });
    const users = new URL(`${org.url}/api/v1/users?limit=1`);
    const answer = await client.fetchProtectedResource(
      config, tokens.access_token, users, "GET", undefined, undefined, { DPoP },
    );
    assert.deepEqual([answer.status, (await answer.json()).length], [200, 1], alg);
  }
});

test("it signs the request, alone and pushed", async () => {
  for (const [index, alg] of ["ES256", "RS256", "ES512"].entries()) {
    const id = `0oapeerjar${index}`;
    const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
    const jwk = { ...await jose.exportJWK(publicKey), kid: "r1", alg, use: "sig" };
    await register(id, { secret: SECRET, jwks: [jwk], request_object_signing_alg: alg, require_signed_request_object: true });
    const config = await configuration(org.issuer, id, client.ClientSecretBasic(SECRET));
    for (const pushed of [false, true]) {
      const { parameters, checks } = await request();
      let url = await client.buildAuthorizationUrlWithJAR(config, parameters, { key: privateKey, kid: "r1" });
      assert.deepEqual([...url.searchParams.keys()].sort(), ["client_id", "request"]);
      if (pushed) {
        await answerWith201();
        url = await client.buildAuthorizationUrlWithPAR(config, url.searchParams);
      }
      const tokens = await client.authorizationCodeGrant(config, await visit(url), checks);
      assert.equal(tokens.claims().name, ADA.name);
    }
  }
});

test("it opens encrypted ID tokens, and so does jose", async () => {
  for (const [index, alg] of ["RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512", "ECDH-ES+A256KW"].entries()) {
    const id = `0oapeerjwe${index}`;
    const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
    const jwk = { ...await jose.exportJWK(publicKey), kid: "e1", alg, use: "enc" };
    await register(id, { secret: SECRET, jwks: [jwk], id_token_encrypted_response_alg: alg });
    const config = await configuration(org.issuer, id, client.ClientSecretBasic(SECRET));
    let encrypted;
    config[client.customFetch] = async (...call) => {
      const answer = await fetch(...call);
      encrypted = (await answer.clone().json()).id_token ?? encrypted;
      return answer;
    };
    client.enableDecryptingResponses(config, ["A256GCM"], { key: privateKey, alg, kid: "e1" });
    const { parameters, checks } = await request();
    const back = await visit(client.buildAuthorizationUrl(config, parameters));
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    assert.equal(tokens.claims().name, ADA.name, alg);
    const { plaintext, protectedHeader } = await jose.compactDecrypt(encrypted, privateKey);
    assert.deepEqual([protectedHeader.alg, protectedHeader.enc, protectedHeader.cty], [alg, "A256GCM", "JWT"]);
    const keys = jose.createRemoteJWKSet(new URL(`${org.issuer}/v1/keys`));
    const { payload } = await jose.jwtVerify(new TextDecoder().decode(plaintext), keys, { issuer: org.issuer, audience: id });
    assert.equal(payload.nonce, parameters.nonce);
  }
});
