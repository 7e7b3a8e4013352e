// oidc-provider as the authorization server of our own client: client credentials with all four authentications.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import http from "node:http";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "node:test";

import Provider from "oidc-provider";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SECRET = "a-secret-of-more-than-32-characters";
/// The authentications, and what a request shows of each.
const AUTHENTICATIONS = {
  client_secret_basic: "Basic",
  client_secret_post: "secret",
  client_secret_jwt: "HS256",
  private_key_jwt: "ES256",
};
const METHODS = Object.keys(AUTHENTICATIONS);

/// How a request authenticated its client.
function authenticationOf({ headers, oidc: { body } }) {
  if (headers.authorization) return headers.authorization.split(" ")[0];
  if (body.client_secret) return "secret";
  return JSON.parse(Buffer.from(body.client_assertion.split(".")[0], "base64url")).alg;
}

/// Starts the provider on a free port. It records the client of each token and its authentication.
async function startProvider(jwk) {
  const server = http.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: METHODS.map((method) => ({
      client_id: `client-${method}`,
      token_endpoint_auth_method: method,
      ...(method === "private_key_jwt" ? { jwks: { keys: [jwk] } } : { client_secret: SECRET }),
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      scope: "orders:read",
    })),
    clientAuthMethods: METHODS,
    scopes: ["orders:read"],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  });
  const issued = [];
  provider.on("grant.success", (context) => {
    issued.push([context.oidc.client.clientId, authenticationOf(context)]);
  });
  server.on("request", provider.callback());
  return { issuer, issued, stop: () => server.close() };
}

test("our client gets tokens with each authentication", async () => {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const jwk = { ...await crypto.subtle.exportKey("jwk", keys.publicKey), kid: "k1", alg: "ES256", use: "sig" };
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const provider = await startProvider(jwk);
  const env = {
    ...process.env,
    PEER_ISSUER: provider.issuer,
    PEER_SECRET: SECRET,
    PEER_PRIVATE_KEY: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`,
  };
  const name = "oidc_provider::each_client_authentication_gets_a_token";
  const cargo = ["test", "--quiet", "-p", "okta-auth", "--test", "it", "--", "--ignored", "--exact", name];
  try {
    const { stdout } = await promisify(execFile)("cargo", cargo, { cwd: ROOT, env });
    assert.match(stdout, /1 passed/);
  } catch (error) {
    throw new Error(`${error.stdout}${error.stderr}`);
  } finally {
    provider.stop();
  }
  assert.deepEqual(provider.issued, METHODS.map((method) => [`client-${method}`, AUTHENTICATIONS[method]]));
});
