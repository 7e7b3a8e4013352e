// oidc-provider as the authorization server of our own clients: client credentials with all four authentications,
// the device flow, and users of two web applications.

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

/// Runs one test of the Rust suite against a provider.
async function runClient(name, variables) {
  const cargo = ["test", "--quiet", "-p", "okta-auth", "--test", "it", "--", "--ignored", "--exact", name];
  try {
    const { stdout } = await promisify(execFile)("cargo", cargo, { cwd: ROOT, env: { ...process.env, ...variables } });
    assert.match(stdout, /1 passed/);
  } catch (error) {
    throw new Error(`${error.stdout}${error.stderr}`);
  }
}

/// Starts a provider on a free port.
async function startProvider(settings) {
  const server = http.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, settings);
  // A test may add middleware until the first request.
  let callback;
  server.on("request", (request, response) => (callback ??= provider.callback())(request, response));
  return { issuer, provider, stop: () => server.close() };
}

/// The settings for one client with each authentication.
function machineClients(jwk) {
  const clients = METHODS.map((method) => ({
    client_id: `client-${method}`,
    token_endpoint_auth_method: method,
    ...(method === "private_key_jwt" ? { jwks: { keys: [jwk] } } : { client_secret: SECRET }),
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    scope: "orders:read",
  }));
  return {
    clients,
    clientAuthMethods: METHODS,
    scopes: ["orders:read"],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
  };
}

test("our client gets tokens with each authentication", async () => {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const jwk = { ...await crypto.subtle.exportKey("jwk", keys.publicKey), kid: "k1", alg: "ES256", use: "sig" };
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const { issuer, provider, stop } = await startProvider(machineClients(jwk));
  const issued = [];
  provider.on("grant.success", (context) => {
    issued.push([context.oidc.client.clientId, authenticationOf(context)]);
  });
  try {
    await runClient("oidc_provider::each_client_authentication_gets_a_token", {
      PEER_ISSUER: issuer,
      PEER_SECRET: SECRET,
      PEER_PRIVATE_KEY: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`,
    });
  } finally {
    stop();
  }
  assert.deepEqual(issued, METHODS.map((method) => [`client-${method}`, AUTHENTICATIONS[method]]));
});

/// What the pages of the provider do when a user signs in and confirms the code.
async function approve(provider, userCode, accountId) {
  const code = await provider.DeviceCode.findByUserCode(userCode.replaceAll("-", ""));
  const grant = new provider.Grant({ accountId, clientId: code.clientId });
  grant.addOIDCScope(code.params.scope);
  const grantId = await grant.save();
  Object.assign(code, { accountId, grantId, scope: code.params.scope, authTime: Math.floor(Date.now() / 1000) });
  await code.save();
}

test("our device flow signs a user in and refreshes the tokens", async () => {
  const { issuer, provider, stop } = await startProvider({
    clients: [{
      client_id: "cli",
      application_type: "native",
      token_endpoint_auth_method: "none",
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      redirect_uris: [],
      response_types: [],
    }],
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: false } },
    issueRefreshToken: () => true,
  });
  const grants = [];
  let refusals = 0;
  provider.on("grant.success", (context) => grants.push(context.oidc.params.grant_type));
  provider.on("grant.error", (_, error) => {
    if (error.error === "authorization_pending") refusals += 1;
    else grants.push(error.error);
  });
  // The user confirms the code after the first poll.
  provider.use(async (context, next) => {
    await next();
    if (context.oidc?.route === "device_authorization") {
      const userCode = context.body.user_code;
      provider.once("grant.error", () => approve(provider, userCode, "ada"));
    }
  });
  try {
    await runClient("oidc_provider::the_device_flow_signs_a_user_in", { PEER_ISSUER: issuer });
  } finally {
    stop();
  }
  assert.equal(refusals, 1);
  assert.deepEqual(grants, ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]);
});

/// A port that was free a moment ago.
async function freePort() {
  const server = http.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/// A web application at this port.
function webApp(id, port) {
  const origin = `http://127.0.0.1:${port}`;
  return {
    client_id: id,
    client_secret: SECRET,
    redirect_uris: [`${origin}/authorization-code/callback`],
    post_logout_redirect_uris: [`${origin}/`],
    backchannel_logout_uri: `${origin}/backchannel-logout`,
    grant_types: ["authorization_code", "refresh_token"],
  };
}

test("users sign in at our application, and sign out of two", async () => {
  const [port, otherPort] = [await freePort(), await freePort()];
  const ada = { name: "Ada Lovelace", email: "ada@example.test", groups: ["Admins"] };
  const { issuer, provider, stop } = await startProvider({
    clients: [webApp("app", port), webApp("other-app", otherPort)],
    scopes: ["openid", "offline_access"],
    claims: { openid: ["sub"], profile: ["name"], email: ["email"], groups: ["groups"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...ada }) }),
    issueRefreshToken: () => true, // by default only after `prompt=consent`
    // By default it calls no loopback address.
    fetch: (url, { method, headers, body }) => fetch(url, { method, headers, body }),
    ttl: { AccessToken: 100, IdToken: 3600, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 3600 },
    features: { introspection: { enabled: true }, revocation: { enabled: true }, backchannelLogout: { enabled: true } },
  });
  const grants = [];
  const logouts = [];
  provider.on("grant.success", ({ oidc: { client, params } }) => grants.push(`${client.clientId} ${params.grant_type}`));
  provider.on("backchannel.success", (_, client) => logouts.push(client.clientId));
  try {
    await runClient("oidc_provider_sign_in::users_sign_in_and_out", {
      PEER_ISSUER: issuer, PEER_SECRET: SECRET, PEER_APP: String(port), PEER_OTHER_APP: String(otherPort),
    });
  } finally {
    stop();
  }
  assert.deepEqual(grants.slice(0, 3), ["app authorization_code", "other-app authorization_code", "app refresh_token"]);
  assert.ok(logouts.includes("other-app"), `${logouts}`);
});

/// A key pair for signatures: the private key in PEM or as a JWK, and the public key as a JWK.
async function signingKey(alg, kid) {
  const rsa = { name: "RSA-PSS", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  const parameters = alg === "PS256" ? rsa : { name: "ECDSA", namedCurve: "P-256" };
  const keys = await crypto.subtle.generateKey(parameters, true, ["sign", "verify"]);
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const jwk = async (key) => {
    const { key_ops, ext, ...members } = await crypto.subtle.exportKey("jwk", key);
    return { ...members, kid, alg, use: "sig" };
  };
  return {
    pem: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`,
    privateJwk: await jwk(keys.privateKey),
    publicJwk: await jwk(keys.publicKey),
  };
}

/// The settings of a provider with the FAPI 2.0 Security Profile.
async function fapiProvider(port, key, alg) {
  const app = webApp("app", port);
  delete app.client_secret;
  delete app.backchannel_logout_uri;
  return {
    clients: [{
      ...app,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [key.publicJwk] },
      id_token_signed_response_alg: "PS256",
      request_object_signing_alg: alg,
      dpop_bound_access_tokens: true,
      scope: "openid profile email groups offline_access",
    }],
    jwks: { keys: [(await signingKey("PS256", "op1")).privateJwk] },
    clientAuthMethods: ["private_key_jwt"],
    clockTolerance: 200, // the clock of the application runs ahead
    scopes: ["openid", "offline_access"],
    claims: { openid: ["sub"], profile: ["name"], email: ["email"], groups: ["groups"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: "Ada Lovelace", email: "ada@example.test", groups: ["Admins"] }),
    }),
    issueRefreshToken: () => true,
    ttl: { AccessToken: 100, IdToken: 3600, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 3600 },
    enabledJWA: { idTokenSigningAlgValues: ["PS256"], requestObjectSigningAlgValues: [alg] },
    features: {
      fapi: { enabled: true, profile: "2.0" },
      dPoP: { enabled: true, nonceSecret: crypto.getRandomValues(Buffer.alloc(32)), requireNonce: () => true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      requestObjects: { enabled: true },
    },
  };
}

for (const [alg, signed] of [["ES256", false], ["PS256", false], ["PS256", true]]) {
  const how = signed ? "and signed requests" : "and pushed requests";
  test(`users sign in by the FAPI 2.0 Security Profile with ${alg} ${how}`, async () => {
    const [port, key] = [await freePort(), await signingKey(alg, "k1")];
    const { issuer, provider, stop } = await startProvider(await fapiProvider(port, key, alg));
    const [grants, authorizations, assertions, bindings] = [[], [], [], []];
    provider.use(async (context, next) => {
      if (context.path === "/auth") authorizations.push([...new URL(context.href).searchParams.keys()]);
      await next();
    });
    provider.on("access_token.saved", ({ jkt }) => bindings.push(jkt));
    for (const event of ["grant.success", "pushed_authorization_request.success"]) {
      provider.on(event, ({ oidc: { body, params } }) => {
        if (params.grant_type) grants.push(params.grant_type);
        assertions.push(JSON.parse(Buffer.from(body.client_assertion.split(".")[1], "base64url")));
      });
    }
    const variables = {
      PEER_ISSUER: issuer, PEER_APP: String(port), PEER_PRIVATE_KEY: key.pem, PEER_SIGNED: String(signed),
    };
    try {
      await runClient("oidc_provider_fapi::users_sign_in_with_the_profile", variables);
      assert.deepEqual(grants, ["authorization_code", "refresh_token"]);
      assert.ok(bindings.length === 2 && bindings[0] && bindings[0] === bindings[1], `${bindings}`);
      await runClient("oidc_provider_fapi::a_response_without_iss_is_refused", variables);
      assert.equal(grants.length, 2);
    } finally {
      stop();
    }
    assert.deepEqual(authorizations, [["client_id", "request_uri"], ["client_id", "request_uri"]]);
    assert.ok(assertions.length >= 3 && assertions.every(({ aud }) => aud === issuer), JSON.stringify(assertions));
  });
}
