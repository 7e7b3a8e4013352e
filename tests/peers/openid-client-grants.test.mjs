// openid-client without a sign-in page of its own: client credentials with all four authentications, token exchange,
// ID-JAG with JWT bearer, and the device flow.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as client from "openid-client";

import { ADA, startOrg } from "./org.mjs";

const SECRET = "a-secret-of-more-than-32-characters";
const ORDERS = { scope: "orders:read" };
const TYPES = "urn:ietf:params:oauth:token-type:";
const GRANTS = "urn:ietf:params:oauth:grant-type:";

let org;
let keys;
before(async () => {
  org = await startOrg();
  keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
});
after(() => org?.stop());

/// Registers a client.
async function register(members) {
  const answer = await fetch(`${org.url}/dev/clients`, { method: "POST", body: JSON.stringify(members) });
  assert.equal(answer.status, 201, await answer.text());
}

async function publicKey() {
  return { ...await crypto.subtle.exportKey("jwk", keys.publicKey), kid: "k1", alg: "ES256", use: "sig" };
}

async function configuration(issuer, id, authentication) {
  return client.discovery(new URL(issuer), id, {}, authentication, { execute: [client.allowInsecureRequests] });
}

/// Okta wants the endpoint as the audience of an assertion, and openid-client sends the issuer.
const forEndpoint = (issuer) => {
  const base = issuer === org.url ? `${org.url}/oauth2` : issuer;
  return { [client.modifyAssertion]: (_header, payload) => { payload.aud = `${base}/v1/token`; } };
};

const byKey = (issuer) => client.PrivateKeyJwt({ key: keys.privateKey, kid: "k1" }, forEndpoint(issuer));

function claims(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
}

test("it gets tokens with each authentication", async () => {
  const service = (id, members) => register({ id, type: "service", secret: SECRET, ...members });
  await service("0oapeerbasic", {});
  await service("0oapeerpost", { auth_method: "client_secret_post" });
  await service("0oapeersecret", { auth_method: "client_secret_jwt" });
  await service("0oapeerkey", { auth_method: "private_key_jwt", jwks: [await publicKey()] });
  for (const [id, authentication] of [
    ["0oapeerbasic", client.ClientSecretBasic(SECRET)],
    ["0oapeerpost", client.ClientSecretPost(SECRET)],
    ["0oapeersecret", client.ClientSecretJwt(SECRET, forEndpoint(org.issuer))],
    ["0oapeerkey", byKey(org.issuer)],
  ]) {
    const tokens = await client.clientCredentialsGrant(await configuration(org.issuer, id, authentication), ORDERS);
    assert.equal(claims(tokens.access_token).cid, id);
    assert.equal(tokens.scope, "orders:read");
  }
});

test("it reads the users of the org page by page", async () => {
  const granted = { okta_scopes: ["okta.users.read"], admin_roles: ["READ_ONLY_ADMIN"] };
  const members = { id: "0oapeerapi", type: "service", auth_method: "private_key_jwt", jwks: [await publicKey()] };
  await register({ ...members, ...granted });
  const config = await configuration(org.url, "0oapeerapi", byKey(org.url));
  const { access_token: token } = await client.clientCredentialsGrant(config, { scope: "okta.users.read" });
  const logins = [];
  let next = `${org.url}/api/v1/users?limit=1`;
  while (next) {
    const answer = await fetch(next, { headers: { authorization: `Bearer ${token}` } });
    logins.push(...(await answer.json()).map((user) => user.profile.login));
    next = answer.headers.get("link").match(/<([^>]+)>; rel="next"/)?.[1];
  }
  assert.deepEqual(logins, [ADA.login, "ben@example.test"]);
});

test("it exchanges a user's token", async () => {
  await register({
    id: "0oapeerexchange", type: "service", secret: SECRET, grant_types: ["client_credentials", `${GRANTS}token-exchange`],
  });
  const order = JSON.stringify({ login: ADA.login, scopes: ["openid"] });
  const { token } = await (await fetch(`${org.url}/dev/tokens`, { method: "POST", body: order })).json();
  const config = await configuration(org.issuer, "0oapeerexchange", client.ClientSecretBasic(SECRET));
  const parameters = { ...ORDERS, subject_token: token, subject_token_type: `${TYPES}access_token`, audience: "api://default" };
  const exchanged = await client.genericGrantRequest(config, `${GRANTS}token-exchange`, parameters);
  assert.equal(exchanged.issued_token_type, `${TYPES}access_token`);
  assert.deepEqual([claims(exchanged.access_token).sub, claims(exchanged.access_token).cid], [ADA.login, "0oapeerexchange"]);
});

test("it acts as an agent at another authorization server", async () => {
  const grants = ["authorization_code", `${GRANTS}token-exchange`, `${GRANTS}jwt-bearer`];
  const members = { id: "0oapeeragent", auth_method: "private_key_jwt", jwks: [await publicKey()], grant_types: grants };
  await register({ ...members, agent: true, connection: [{ audience: "default", scopes: ["orders:read"] }] });
  const order = JSON.stringify({ kind: "id_token", client: "0oapeeragent", login: ADA.login });
  const { token } = await (await fetch(`${org.url}/dev/tokens`, { method: "POST", body: order })).json();
  const own = await configuration(org.url, "0oapeeragent", byKey(org.url));
  const grant = await client.genericGrantRequest(own, `${GRANTS}token-exchange`, {
    ...ORDERS, requested_token_type: `${TYPES}id-jag`, subject_token: token, subject_token_type: `${TYPES}id_token`,
    audience: org.issuer,
  });
  assert.equal(grant.issued_token_type, `${TYPES}id-jag`);
  const resource = await configuration(org.issuer, "0oapeeragent", byKey(org.issuer));
  const tokens = await client.genericGrantRequest(resource, `${GRANTS}jwt-bearer`, { assertion: grant.access_token });
  assert.deepEqual(claims(tokens.access_token).act, { sub: "0oapeeragent", sub_profile: "ai_agent" });
  assert.equal(claims(tokens.access_token).scope, "orders:read");
});

test("it signs in on another device", async () => {
  await register({ id: "0oapeerdevice", type: "public", grant_types: [`${GRANTS}device_code`] });
  const config = await configuration(org.issuer, "0oapeerdevice", client.None());
  const device = await client.initiateDeviceAuthorization(config, { scope: "openid profile" });
  assert.equal(device.verification_uri, `${org.url}/activate`);
  const decide = (login) => JSON.stringify({ login });
  const decided = await fetch(`${org.url}/dev/devices/${device.user_code}`, { method: "POST", body: decide(ADA.login) });
  assert.equal(decided.status, 204);
  const tokens = await client.pollDeviceAuthorizationGrant(config, device);
  assert.equal(tokens.claims().name, ADA.name);
});
