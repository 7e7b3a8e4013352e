// The module in Chromium, or in Firefox with `BROWSER=firefox`, on a page with a strict Content Security Policy, with a
// provider on another origin. The page that ends a sign-in in a window is the one of the library.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import test from "node:test";
import { start, until } from "./drivers.mjs";

const core = new URL("../../okta-auth-core/src/", import.meta.url);
const script = readFileSync(new URL("browser_script/okta-auth.js", core), "utf8");
const assets = readFileSync(new URL("browser_kit/assets.rs", core), "utf8").replaceAll(/\\\n\s*/g, "");
const text = (name) => assets.match(new RegExp(`const ${name}: &str = "(.*)";\n`))[1].replaceAll('\\"', '"');
const PAGE_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";

const APP = `
  const show = (text) => (document.querySelector("#result").textContent = text);
  const state = ({ signedIn, claims }) =>
    (document.querySelector("#state").textContent = signedIn ? "Hello " + claims.name : "Hello stranger");
  oktaAuth.onChange(state);
  oktaAuth.session();
  document.querySelector("#save").onclick = () =>
    oktaAuth.fetch("/api/save", { method: "POST", body: document.querySelector("#note").value })
      .then((answer) => answer.text()).then(show, (error) => show(error.code));
  document.querySelector("#sign-out").onclick = () => oktaAuth.signOut();
  const signIn = (prompt) =>
    oktaAuth.signIn({ popup: true, prompt }).then(() => show("signed in"), (error) => show(error.code));
  document.querySelector("#sign-in").onclick = () => signIn();
  document.querySelector("#again").onclick = () => signIn("login");
  if (location.search === "?at-once") oktaAuth.session().then(({ signedIn }) => signedIn || signIn());
`;

const user = (request) => request.headers.cookie?.match(/user=(\w+)/)?.[1];

function session(request) {
  const name = user(request);
  const paths = { login_path: "/login", logout_path: "/logout", csrf_header: "x-app", silent_login: false };
  const own = name && { user: `tag of ${name}`, claims: { name }, ends_in: 7200, idle_ends_in: 3600 };
  return JSON.stringify({ signed_in: !!name, ...paths, ...own });
}

const apps = {
  async "/"(_, url) {
    const policy = url.searchParams.get("coop");
    const headers = { "content-type": "text/html", "content-security-policy": PAGE_POLICY };
    if (policy) headers["cross-origin-opener-policy"] = policy;
    const ids = ["save", "sign-in", "again", "sign-out"].map((id) => `<button id=${id}>${id}</button>`).join("");
    return [200, headers, `<!doctype html><p id=state></p><p id=result></p><textarea id=note></textarea>${ids}
      <script type=module src=/okta-auth.js data-okta-session=/session></script><script type=module src=/app.js></script>`];
  },
  "/okta-auth.js": async () => [200, { "content-type": "text/javascript" }, script],
  "/app.js": async () => [200, { "content-type": "text/javascript" }, APP],
  "/session": async (request) => [200, { "content-type": "application/json" }, session(request)],
  "/session/popup": async () => [
    200,
    { "content-type": "text/html", "content-security-policy": text("WITH_REPORT") },
    `<!doctype html><script>${text("REPORT")}</script>`,
  ],
  "/login": async (_, url) => [303, { location: `${provider}/?to=${encodeURIComponent(url.searchParams.get("return_to"))}` }],
  "/callback": async (_, url) => [
    303,
    { location: url.searchParams.get("to"), "set-cookie": `user=${url.searchParams.get("user")}; Path=/; SameSite=Lax` },
  ],
  "/logout": async () => [200, { "set-cookie": "user=; Path=/; Max-Age=0" }, JSON.stringify({ location: "/" })],
  async "/api/save"(request) {
    let body = "";
    for await (const part of request) body += part;
    if (!user(request)) return [401, {}, ""];
    return request.headers["x-app"] ? [200, {}, `${user(request)} saved ${body}`] : [403, {}, "no header"];
  },
};

const listen = async (serve) => {
  const server = http.createServer(async (request, response) => {
    const [status, headers, body] = await serve(request, new URL(request.url, "http://localhost"));
    response.writeHead(status, headers).end(body);
  });
  await new Promise((done) => server.listen(0, done));
  return server;
};
const site = await listen(async (request, url) => (await apps[url.pathname]?.(request, url)) ?? [404, {}, ""]);
const base = `http://localhost:${site.address().port}`;
const org = await listen(async (_, url) => {
  const link = (name) => `<a id=${name} href="${base}/callback?user=${name}&to=${encodeURIComponent(url.searchParams.get("to"))}">${name}</a>`;
  return [200, { "content-type": "text/html" }, link("ada") + " " + link("ben")];
});
const provider = `http://127.0.0.1:${org.address().port}`;

const { command, quit } = await start(process.env.BROWSER ?? "chromium");
const open = (path) => command("Navigate", { url: base + path });
const element = async (css) => Object.values(await command("FindElement", { using: "css selector", value: css }))[0];
const click = async (css) => command("ElementClick", { id: await until(css, () => element(css)) });
const run = (script) => command("ExecuteScript", { script, args: [] });
const shows = (css, wanted) =>
  until(`${css} shows ${wanted}`, async () => (await run(`return document.querySelector("${css}")?.textContent`)) === wanted);
const windows = () => command("GetWindowHandles");
const turnTo = (handle) => command("SwitchToWindow", { handle });
const otherThan = (known) =>
  until("another window", async () => (await windows()).find((handle) => !known.includes(handle)));

/** A page with a user, whose session then ends while a note is written. */
async function signedIn(query = "") {
  await open("/callback?user=ada&to=/" + encodeURIComponent(query));
  await shows("#state", "Hello ada");
  await command("ElementSendKeys", { id: await element("#note"), text: "buy tea" });
  await command("DeleteAllCookies");
}

test.after(async () => {
  await quit();
  site.close();
  org.close();
  setTimeout(() => process.exit(), 200);
});

for (const coop of ["", "same-origin-allow-popups", "same-origin"]) {
  test(`the session ends during input, and the note is saved after a sign-in in a window; opener policy: ${coop}`, async () => {
    await signedIn(coop && `?coop=${coop}`);
    const [page] = await windows();
    await click("#save");
    await shows("#okta-auth-title", "Please sign in");
    assert.equal(await run("return document.activeElement.getAttribute('role')"), "button", "the focus is in the dialog");
    await click("#okta-auth-dialog a");
    await turnTo(await otherThan([page]));
    await click("#ada");
    await until("the window closes", async () => (await windows()).length === 1);
    await turnTo(page);
    await shows("#result", "ada saved buy tea");
    assert.equal(await run("return document.querySelector('dialog')"), null);
    assert.equal(await run("return document.querySelector('#note').value"), "buy tea");
  });
}

test("another user does not save the note", async () => {
  await signedIn();
  const [page] = await windows();
  await click("#save");
  await click("#okta-auth-dialog a");
  await turnTo(await otherThan([page]));
  await click("#ben");
  await until("the window closes", async () => (await windows()).length === 1);
  await turnTo(page);
  await shows("#result", "user_changed");
});

test("a browser that blocks the window follows the link, and the page stays", async () => {
  await signedIn();
  const [page] = await windows();
  await run("window.open = () => null");
  await click("#save");
  await click("#okta-auth-dialog a");
  await turnTo(await otherThan([page]));
  await click("#ada");
  await until("the window closes", async () => (await windows()).length === 1);
  await turnTo(page);
  await shows("#result", "ada saved buy tea");
});

const press = (value) =>
  command("PerformActions", { actions: [{ type: "key", id: "k", actions: [{ type: "keyDown", value }, { type: "keyUp", value }] }] });

test("the space bar and Enter press the button that signs in", async () => {
  for (const key of [" ", "\uE007"]) {
    await signedIn();
    const [page] = await windows();
    await click("#save");
    await shows("#okta-auth-title", "Please sign in");
    await press(key);
    await turnTo(await otherThan([page]));
    await click("#ada");
    await until("the window closes", async () => (await windows()).length === 1);
    await turnTo(page);
    await shows("#result", "ada saved buy tea");
  }
});

test("the call is cancelled by the button and by Escape", async () => {
  for (const cancel of [() => click("#okta-auth-dialog button"), () => press("\uE00C")]) {
    await signedIn();
    await click("#save");
    await shows("#okta-auth-title", "Please sign in");
    await cancel();
    await shows("#result", "cancelled");
    assert.equal(await run("return document.querySelector('#note').value"), "buy tea");
  }
});

/** Opens the window of a sign-in, turns to it, and returns the page that waits for it. */
async function inWindow(button) {
  const [page] = await windows();
  await click(button);
  await turnTo(await otherThan([page]));
  return page;
}

async function backAt(page) {
  await until("the window closes", async () => (await windows()).length === 1);
  await turnTo(page);
}

test("no forged message ends a sign-in in a window", async () => {
  await open("/callback?user=ada&to=/");
  await shows("#state", "Hello ada");
  await run(`
    window.seen = window.asked = 0;
    addEventListener("message", () => window.seen++);
    const { fetch } = window;
    window.fetch = (...request) => (window.asked++, fetch(...request));`);
  const page = await inWindow("#again");
  const forged = async (where, message) => {
    await until(where, () => run("return document.readyState === 'complete' && !!opener"));
    await run(message);
  };
  assert.ok(await until("the provider", () => run(`return location.origin === "${provider}"`)));
  await forged("another origin", "opener.postMessage('okta-auth:signed-in', '*')");
  await run(`location = "${base}/app.js"`);
  await until("the own origin", () => run(`return location.origin === "${base}"`));
  for (const message of ["'okta-auth:signed-out'", "{ type: 'okta-auth:signed-in' }", "['okta-auth:signed-in']", "null", "true"]) {
    await forged("another shape", `opener.postMessage(${message}, '*')`);
  }
  await turnTo(page);
  await run("postMessage('okta-auth:signed-in', location.origin)"); // another window: this one
  await until("all are received", async () => (await run("return window.seen")) === 7);
  assert.equal(await run("return window.asked"), 0, "a forged message is believed");
  assert.equal(await run("return document.querySelector('#result').textContent"), "");
  await turnTo((await windows()).find((handle) => handle !== page));
  await run(`location = "${base}/login?return_to=/session/popup"`);
  await click("#ada");
  await backAt(page);
  await shows("#result", "signed in");
});

test("a message without a session is no sign-in, and a window that the user closes is none", async () => {
  for (const end of [() => open("/session/popup").catch(() => {}), () => command("CloseWindow")]) {
    await command("DeleteAllCookies");
    await open("/");
    await shows("#state", "Hello stranger");
    const page = await inWindow("#sign-in");
    await end();
    await backAt(page);
    await shows("#result", "cancelled");
  }
});

test("a window that the browser blocks becomes a redirect", async () => {
  await command("DeleteAllCookies");
  await open("/?at-once");
  await click("#ada");
  await shows("#state", "Hello ada");
  assert.equal(await run("return location.href"), `${base}/?at-once`);
  assert.equal((await windows()).length, 1);
});

// Headless Chromium gives the focus to every window, so the page takes a window that is cut off for closed.
const skip = process.env.BROWSER !== "firefox";
test("a window that an opener policy cuts off still ends its sign-in", { skip }, async () => {
  await command("DeleteAllCookies");
  await open("/?coop=same-origin");
  await shows("#state", "Hello stranger");
  const page = await inWindow("#sign-in");
  await click("#ada");
  await backAt(page);
  await shows("#result", "signed in");
  await shows("#state", "Hello ada");
});

test("sign-in in a window and sign-out reach both tabs", async () => {
  await command("DeleteAllCookies");
  await open("/");
  await shows("#state", "Hello stranger");
  // A page that becomes visible asks for itself. Here only the messages are left.
  const ignore = 'addEventListener("visibilitychange", (event) => event.stopImmediatePropagation(), true)';
  await run(ignore);
  const [first] = await windows();
  const { handle: second } = await command("NewWindow", { type: "tab" });
  await turnTo(second);
  await open("/");
  await shows("#state", "Hello stranger");
  await run(ignore);
  await click("#sign-in");
  await turnTo(await otherThan([first, second]));
  await click("#ada");
  await until("the window closes", async () => (await windows()).length === 2);
  for (const tab of [second, first]) {
    await turnTo(tab);
    await shows("#state", "Hello ada");
  }
  await click("#sign-out");
  await shows("#state", "Hello stranger");
  await turnTo(second);
  await shows("#state", "Hello stranger");
});
