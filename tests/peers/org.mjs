// Starts, configures and stops the development org, and our example APIs, as programs, for tests with third-party clients.

import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import readline from "node:readline";

const BINARY = process.env.OKTA_DEV ?? fileURLToPath(new URL("../../target/debug/okta-dev", import.meta.url));

export const PUBLIC_CLIENT = "0oadevpublic0000001";
export const WEB_CLIENT = "0oadevclient0000001";
export const ADA = { login: "ada@example.test", password: "correct-horse-1", name: "Ada Lovelace" };

/// Starts an org on a free port. The first line of its output has the connection details.
export async function startOrg(...options) {
  const child = spawn(BINARY, ["--json", "--port", "0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = readline.createInterface({ input: child.stdout });
  const [first] = await once(lines, "line");
  lines.on("line", () => {});
  const org = JSON.parse(first);
  return {
    url: org.url,
    issuer: `${org.url}/oauth2/default`,
    port: Number(org.address.split(":").pop()),
    certificate: org.certificate_file,
    client: (id) => org.clients.find((client) => client.client_id === id),
    /// Changes a client: `PATCH /dev/clients/{id}`.
    change: (id, members) => api(org.url, "PATCH", `/clients/${id}`, members),
    /// Returns the requests whose path ends with this.
    journal: (path) => api(org.url, "GET", `/journal?path=${path}`),
    stop: () => child.kill(),
  };
}

async function api(url, method, path, body) {
  const answer = await fetch(`${url}/dev${path}`, { method, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

async function freePort() {
  const server = http.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/// Starts `axum-api` or `actix-api` for tokens of an org.
export async function startApi(name, org, variables = {}) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const env = { OKTA_ISSUER_URI: org.issuer, OKTA_AUDIENCE: "api://default", OKTA_BASE_URL: base, ...variables };
  const child = spawn(path.join(path.dirname(BINARY), name), {
    env: { PATH: process.env.PATH, PORT: String(port), ...env }, stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (data) => { log += data; });
  while (true) {
    if (child.exitCode !== null) throw new Error(log);
    try {
      await fetch(base);
      return { base, stop: () => child.kill() };
    } catch {
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}
