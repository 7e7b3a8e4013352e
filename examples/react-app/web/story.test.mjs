// The story of the README in Chromium. Needs the built program, chromium and chromedriver.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "node:test";

const program = process.env.REACT_APP ?? new URL("../../../target/debug/react-app", import.meta.url).pathname;
const [port, driverPort] = [20000 + (process.pid % 20000), 40000 + (process.pid % 20000)];
const base = `http://localhost:${port}`;
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("OKTA_")));
const app = spawn(program, { env: { ...env, PORT: port }, stdio: ["ignore", "pipe", "ignore"] });
let printed = "";
app.stdout.on("data", (data) => (printed += data));

const driver = spawn("chromedriver", [`--port=${driverPort}`], { stdio: "ignore" });
const profile = mkdtempSync(`${tmpdir()}/okta-auth-react-`);
// WebDriver (W3C WebDriver §6).
const call = async (method, path, body) => {
  const answer = await fetch(`http://127.0.0.1:${driverPort}${path}`, { method, body: body && JSON.stringify(body) });
  return (await answer.json()).value;
};
const until = async (what, check) => {
  for (const start = Date.now(); ; await new Promise((done) => setTimeout(done, 50))) {
    const found = await Promise.resolve().then(check).catch(() => undefined);
    if (found) return found;
    assert.ok(Date.now() - start < 30_000, `never: ${what}`);
  }
};
await until("the program runs", () => printed.includes("Open "));
await until("chromedriver answers", () => call("GET", "/status"));
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`];
const capabilities = { alwaysMatch: { browserName: "chrome", "goog:chromeOptions": { args } } };
const { sessionId } = await call("POST", "/session", { capabilities });
const send = (path, body = {}) => call("POST", `/session/${sessionId}${path}`, body);
const windows = () => call("GET", `/session/${sessionId}/window/handles`);
const turnTo = (handle) => send("/window", { handle });
const element = (css) =>
  until(css, async () => {
    const id = Object.values(await send("/element", { using: "css selector", value: css }))[0];
    return id.startsWith("f.") && id;
  });
const click = async (css) => send(`/element/${await element(css)}/click`);
const write = async (css, text) => send(`/element/${await element(css)}/value`, { text });
const read = (script) => send("/execute/sync", { script: `return ${script}`, args: [] });
const shows = (text) => until(text, async () => (await read("document.body.innerText")).includes(text));

/** Signs in as Ada in the window that the page has opened. */
async function signInHere(pages) {
  await turnTo(await until("a window", async () => (await windows()).find((handle) => !pages.includes(handle))));
  if (await until("the org's page", () => read("document.forms.length"))) {
    await write("input[name=username]", "ada@example.test");
    await write("input[name=password]", printed.match(/ada@example.test +password (\S+)/)[1]);
    await click("form button[type=submit]");
  }
  await until("the window closes", async () => (await windows()).length === pages.length);
  await turnTo(pages.at(-1));
}

test.after(async () => {
  await call("DELETE", `/session/${sessionId}`).catch(() => {});
  driver.kill();
  app.kill();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  setTimeout(() => process.exit(), 200);
});

test("signs in, keeps a note over the end of the session, and signs out in both tabs", async () => {
  await send("/url", { url: base });
  await shows("Hello, stranger");
  const [page] = await windows();
  await click("#root button");
  await signInHere([page]);
  await shows("Hello, Ada Lovelace");

  await write("input[name=note]", "buy tea");
  await call("DELETE", `/session/${sessionId}/cookie`); // the session ends
  await click("form button");
  await shows("Please sign in");
  await click("#okta-auth-dialog a");
  // Neither the page nor the user's session at the org has ended, so the window needs no input if the org remembers it.
  await until("the sign-in", async () => {
    const other = (await windows()).find((handle) => handle !== page);
    if (!other) return true;
    await turnTo(other);
    return read("document.forms.length");
  });
  if ((await windows()).length > 1) await signInHere([page]);
  await turnTo(page);
  await shows("Saved: buy tea");

  const { handle: second } = await send("/window/new", { type: "tab" });
  await turnTo(second);
  await send("/url", { url: base });
  await shows("Hello, Ada Lovelace");
  await click("#root button");
  await shows("Hello, stranger");
  await turnTo(page);
  await shows("Hello, stranger");
});

test("the back button shows no signed-in page after a sign-out in another tab", async () => {
  const [page, second] = await windows();
  await turnTo(page);
  await click("#root button");
  await signInHere([second, page]);
  await shows("Hello, Ada Lovelace");
  await read("(location.href = '/okta-auth.js')");
  await until("another page", () => read("location.pathname === '/okta-auth.js'"));
  await turnTo(second);
  await shows("Hello, Ada Lovelace");
  await click("#root button");
  await shows("Hello, stranger");
  await turnTo(page);
  await send("/back");
  await shows("Hello, stranger");
});

test("the app's own code for all of this has at most 40 lines", () => {
  const code = readFileSync(new URL("src/session.js", import.meta.url), "utf8");
  assert.ok(code.split("\n").filter((line) => line.trim()).length <= 40);
});
