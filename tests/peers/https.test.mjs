// The program over HTTPS, with a self-signed and with a given certificate, called by Node's client.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import https from "node:https";
import { after, before, test } from "node:test";

import { ADA, WEB_CLIENT, startOrg } from "./org.mjs";

let org, ca;
before(async () => {
  org = await startOrg("--https", "--issuer", "https://okta.internal", "--host", "okta.internal");
  ca = await readFile(org.certificate);
});
after(() => org?.stop());

/// Sends a request to the listener, with the host name in the certificate.
function request(path, { method = "GET", body } = {}) {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: org.port, servername: "okta.internal", path, method, ca };
    const headers = { host: "okta.internal", "content-type": "application/x-www-form-urlencoded" };
    const sent = https.request({ ...options, headers }, async (answer) => {
      let text = "";
      for await (const chunk of answer) text += chunk;
      resolve({ status: answer.statusCode, headers: answer.headers, text });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

test("issuers, redirects and cookies use https", async () => {
  const metadata = JSON.parse((await request("/oauth2/default/.well-known/openid-configuration")).text);
  assert.equal(metadata.issuer, "https://okta.internal/oauth2/default");
  const query = new URLSearchParams({
    client_id: WEB_CLIENT, redirect_uri: "http://localhost:8080/authorization-code/callback", response_type: "code",
    scope: "openid", state: "s",
  });
  const page = (await request(`/oauth2/default/v1/authorize?${query}`)).text;
  const handle = page.match(/name="stateToken" value="([^"]+)"/)[1];
  const body = new URLSearchParams({ stateToken: handle, username: ADA.login, password: ADA.password }).toString();
  const answer = await request("/signin", { method: "POST", body });
  assert.equal(answer.status, 302);
  assert.match(answer.headers["set-cookie"].find((cookie) => cookie.startsWith("idx=")), /; SameSite=None; Secure$/);
});

test("a client rejects an unknown certificate and another host name", async () => {
  const direct = { host: "127.0.0.1", port: org.port, path: "/" };
  const refused = (options) => new Promise((resolve) => {
    https.get({ ...direct, ...options }, () => resolve("answered")).on("error", (error) => resolve(error.code));
  });
  assert.match(await refused({ servername: "okta.internal" }), /SELF_SIGNED|UNABLE_TO_VERIFY/);
  assert.equal(await refused({ servername: "other.internal", ca }), "ERR_TLS_CERT_ALTNAME_INVALID");
});
