// oidc-provider as the issuer of our example app: pushed and signed requests, ID tokens that `jose` encrypts, and tokens
// that are bound to a key (DPoP).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";

import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader } from "jose";
import Provider from "oidc-provider";

const APP = path.join(path.dirname(process.env.OKTA_DEV), "axum-app");

async function listen() {
  const server = http.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function freePort() {
  const server = await listen();
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/// A key pair: the private key in PEM, and the public key as a JWK.
async function keyPair(parameters, usages, members) {
  const pair = await crypto.subtle.generateKey(parameters, true, usages);
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", pair.privateKey)).toString("base64");
  const { key_ops, ext, ...jwk } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { pem: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`, jwk: { ...jwk, ...members } };
}

function encryptionKey(algorithm) {
  if (algorithm.startsWith("ECDH")) {
    return keyPair({ name: "ECDH", namedCurve: "P-256" }, ["deriveBits"], { kid: "e1", use: "enc", alg: algorithm });
  }
  const rsa = { name: "RSA-OAEP", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  return keyPair(rsa, ["encrypt", "decrypt"], { kid: "e1", use: "enc", alg: algorithm });
}

/// Starts the provider with one client, and counts the requests that were pushed and those that came otherwise.
async function startProvider(base, algorithm, keys) {
  const server = await listen();
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "app",
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys },
      redirect_uris: [`${base}/authorization-code/callback`],
      post_logout_redirect_uris: [`${base}/`],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      require_pushed_authorization_requests: true,
      require_signed_request_object: true,
      request_object_signing_alg: "ES256",
      id_token_encrypted_response_alg: algorithm,
      id_token_encrypted_response_enc: "A256GCM",
    }],
    clientAuthMethods: ["private_key_jwt"],
    enabledJWA: {
      idTokenEncryptionAlgValues: [algorithm],
      idTokenEncryptionEncValues: ["A256GCM"],
      requestObjectSigningAlgValues: ["ES256"],
    },
    features: {
      encryption: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      requestObjects: { enabled: true },
    },
    scopes: ["openid", "profile", "email"],
    claims: { openid: ["sub"], email: ["email"], profile: ["name"] },
    findAccount: (context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: "Ada Lovelace", email: "ada@example.test" }),
    }),
  });
  const seen = [];
  server.on("request", (request, response) => {
    seen.push(request.url);
    provider.callback()(request, response);
  });
  return { issuer, seen, stop: () => server.close() };
}

async function startApp(port, env) {
  const app = spawn(APP, [], { env: { PATH: process.env.PATH, PORT: String(port), ...env }, stdio: "pipe" });
  let output = "";
  app.stdout.on("data", (data) => { output += data; });
  app.stderr.on("data", (data) => { output += data; });
  while (true) {
    if (app.exitCode !== null) throw new Error(output);
    try {
      await fetch(`http://localhost:${port}/`);
      return { stop: () => app.kill(), output: () => output };
    } catch {
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

/// Sends one request. `fetch` cannot be used, because it replaces `Sec-Fetch-Mode`.
async function send(url, headers, body) {
  const request = http.request(url, { method: body ? "POST" : "GET", headers });
  request.end(body);
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode, headers: response.headers, body: text };
}

/// A browser: cookies for each origin, and no redirect that the test does not follow.
function browser() {
  const jars = new Map();
  return async (url, form) => {
    const jar = jars.get(new URL(url).origin) ?? new Map();
    jars.set(new URL(url).origin, jar);
    const headers = {
      accept: "text/html",
      cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; "),
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
      ...(form && { "content-type": "application/x-www-form-urlencoded" }),
    };
    const response = await send(url, headers, form && new URLSearchParams(form).toString());
    for (const cookie of response.headers["set-cookie"] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      jar.set(name, value);
    }
    const { location } = response.headers;
    return { status: response.status, location: location && new URL(location, url).href, body: response.body };
  };
}

/// Follows redirects, and submits the provider's forms for sign-in and consent.
async function signIn(open, url) {
  for (let step = 0; step < 20; step += 1) {
    const page = await open(url);
    if (page.location) {
      url = page.location;
    } else if (page.body.includes('name="prompt" value="login"')) {
      url = (await open(/action="([^"]+)"/.exec(page.body)[1], { prompt: "login", login: "ada", password: "x" })).location;
    } else if (page.body.includes('name="prompt" value="consent"')) {
      url = (await open(/action="([^"]+)"/.exec(page.body)[1], { prompt: "consent" })).location;
    } else {
      return page;
    }
  }
  throw new Error(`the sign-in does not end: ${url}`);
}

for (const algorithm of ["RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512", "ECDH-ES+A256KW"]) {
  test(`our app pushes signed requests and opens ID tokens with ${algorithm}`, async () => {
    const port = await freePort();
    const base = `http://localhost:${port}`;
    const signing = await keyPair({ name: "ECDSA", namedCurve: "P-256" }, ["sign", "verify"], {
      kid: "s1", use: "sig", alg: "ES256",
    });
    const encryption = await encryptionKey(algorithm);
    const provider = await startProvider(base, algorithm, [signing.jwk, encryption.jwk]);
    const env = {
      OKTA_ISSUER_URI: provider.issuer,
      OKTA_CLIENT_ID: "app",
      OKTA_PRIVATE_KEY: signing.pem,
      OKTA_PRIVATE_KEY_ID: "s1",
      OKTA_BASE_URL: base,
      OKTA_PAR: "on",
      OKTA_REQUEST_OBJECT: "signed",
      OKTA_ID_TOKEN_DECRYPTION_KEY: encryption.pem,
    };
    const app = await startApp(port, env);
    try {
      const open = browser();
      const page = await signIn(open, `${base}/profile`);
      assert.equal(page.status, 200, `${page.body}\n${app.output()}`);
      assert.match(page.body, /Ada Lovelace/);
      const pushed = provider.seen.filter((url) => url === "/request");
      assert.equal(pushed.length, 1);
      const authorize = provider.seen.find((url) => url.startsWith("/auth?"));
      assert.deepEqual([...new URLSearchParams(authorize.slice(6)).keys()], ["client_id", "request_uri"]);
    } finally {
      app.stop();
      provider.stop();
    }
    // The control: another key opens nothing.
    const other = await startProvider(base, algorithm, [signing.jwk, encryption.jwk]);
    const wrong = (await encryptionKey(algorithm)).pem;
    const locked = await startApp(port, { ...env, OKTA_ISSUER_URI: other.issuer, OKTA_ID_TOKEN_DECRYPTION_KEY: wrong });
    try {
      const page = await signIn(browser(), `${base}/profile`);
      assert.equal(page.status, 400);
      assert.match(page.body, /token_encrypted/);
    } finally {
      locked.stop();
      other.stop();
    }
  });
}

/// Starts a provider that requires DPoP with nonces, whose access tokens last some seconds. Keeps every proof.
async function startDpopProvider(base) {
  const server = await listen();
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "app",
      client_secret: "a-secret-of-more-than-32-characters",
      redirect_uris: [`${base}/authorization-code/callback`],
      post_logout_redirect_uris: [`${base}/`],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
    }],
    features: {
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
      pushedAuthorizationRequests: { enabled: true },
    },
    issueRefreshToken: () => true,
    ttl: { AccessToken: 3 },
    scopes: ["openid", "profile", "email", "offline_access"],
    claims: { openid: ["sub"], email: ["email"], profile: ["name"] },
    findAccount: (context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: "Ada Lovelace", email: "ada@example.test" }),
    }),
  });
  const requests = [];
  server.on("request", (request, response) => {
    const { dpop: proof, authorization } = request.headers;
    response.on("finish", () => requests.push({ url: request.url, proof, authorization, status: response.statusCode }));
    provider.callback()(request, response);
  });
  return { issuer, requests, stop: () => server.close() };
}

test("our app binds its tokens to a key, refreshes them, and calls a resource with them", async () => {
  const port = await freePort();
  const base = `http://localhost:${port}`;
  const provider = await startDpopProvider(base);
  const app = await startApp(port, {
    OKTA_ISSUER_URI: provider.issuer,
    OKTA_CLIENT_ID: "app",
    OKTA_CLIENT_SECRET: "a-secret-of-more-than-32-characters",
    OKTA_BASE_URL: base,
    OKTA_DPOP: "on",
    OKTA_PAR: "on",
    OKTA_SCOPES: "openid profile email offline_access",
    API_URL: `${provider.issuer}/me`,
  });
  try {
    const open = browser();
    const page = await signIn(open, `${base}/profile`);
    assert.equal(page.status, 200, `${page.body}\n${app.output()}`);
    const granted = () => provider.requests.filter(({ url, status }) => url === "/token" && status === 200);
    while (granted().length < 2) {
      const answer = await open(`${base}/orders`);
      assert.equal(answer.status, 200, `${answer.body}\n${app.output()}`);
      assert.match(answer.body, /Ada Lovelace/);
    }
    const bound = provider.requests.filter(({ url }) => url === "/token" || url === "/me");
    assert.ok(bound.every(({ proof }) => proof), "a request without a proof");
    assert.deepEqual(bound.filter(({ url, status }) => url === "/token" && status !== 200).map(({ status }) => status), [400]);
    assert.ok(bound.filter(({ url }) => url === "/me").every(({ authorization }) => authorization.startsWith("DPoP ")));
    const ids = new Set(bound.map(({ proof }) => decodeJwt(proof).jti));
    assert.equal(ids.size, bound.length, "each attempt has its own proof");
    const keys = new Set();
    for (const { proof } of bound) keys.add(await calculateJwkThumbprint(decodeProtectedHeader(proof).jwk));
    assert.equal(keys.size, 1, "the key of the session");
  } finally {
    app.stop();
    provider.stop();
  }
});
