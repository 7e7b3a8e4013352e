// openid-client: discovery, code with PKCE, userinfo, refresh, introspection, revocation, sign-out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as client from "openid-client";

import { ADA, WEB_CLIENT, startOrg } from "./org.mjs";

const REDIRECT_URI = "http://localhost:8080/authorization-code/callback";

let org;
before(async () => { org = await startOrg(); });
after(() => org?.stop());

/// Submits the sign-in page of the org like a browser, and returns where it redirects.
async function visit(url) {
  const page = await (await fetch(url)).text();
  const handle = page.match(/name="stateToken" value="([^"]+)"/)[1];
  const body = new URLSearchParams({ stateToken: handle, username: ADA.login, password: ADA.password });
  const answer = await fetch(`${org.url}/signin`, { method: "POST", body, redirect: "manual" });
  return new URL(answer.headers.get("location"));
}

test("it signs in and uses the tokens", async () => {
  const { client_secret: secret } = org.client(WEB_CLIENT);
  const config = await client.discovery(
    new URL(org.issuer), WEB_CLIENT, secret, client.ClientSecretBasic(secret), { execute: [client.allowInsecureRequests] },
  );
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI, scope: "openid profile email offline_access", state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const back = await visit(url);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  assert.equal(tokens.claims().name, ADA.name);
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(userinfo.family_name, "Lovelace");
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.ok((await client.tokenIntrospection(config, renewed.access_token)).active);
  await client.tokenRevocation(config, renewed.access_token);
  assert.deepEqual(await client.tokenIntrospection(config, renewed.access_token), { active: false });
  const end = client.buildEndSessionUrl(config, {
    id_token_hint: renewed.id_token, post_logout_redirect_uri: "http://localhost:8080/", state: "bye",
  });
  const left = await fetch(end, { redirect: "manual" });
  assert.equal(left.headers.get("location"), "http://localhost:8080/?state=bye");
});
