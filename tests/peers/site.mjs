// A static site with one page on a free port of 127.0.0.1, and a Chromium that visits it.

import http from "node:http";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);

/// Serves `page` at every path, except for the script of the library at `/library.js`.
export async function startSite(library, page) {
  const script = path.join(path.dirname(require.resolve(`${library.split("/dist/")[0]}/package.json`)), "dist", library.split("/dist/")[1]);
  const server = http.createServer((request, response) => {
    const isScript = request.url === "/library.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    if (isScript) createReadStream(script).pipe(response);
    else response.end(page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { origin: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/// Submits the sign-in page of the org.
export async function signIn(page, person) {
  await page.getByLabel("Username").fill(person.login);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}
