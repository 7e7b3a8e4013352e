// The module in Node, with a server that is a function and a page that is an object.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const source = readFileSync(new URL("../../okta-auth-core/src/browser_script/okta-auth.js", import.meta.url), "utf8");
const ORIGIN = "https://app.example";
let number = 0;

/** A page with a fresh copy of the module. `state` is the answer of the session address. */
async function page(state = {}) {
  const calls = [];
  const server = {
    calls,
    state: {
      signed_in: true, user: "ada", claims: { name: "Ada" }, ends_in: 7200, idle_ends_in: 3600,
      login_path: "/login", logout_path: "/logout", csrf_header: "x-app", silent_login: false, ...state,
    },
    /** The answers of the API, in order; the last one stays. */
    api: [200],
  };
  globalThis.location = Object.assign(new URL(`${ORIGIN}/orders?page=2`), { assign: (url) => (server.left = url) });
  globalThis.addEventListener = () => {};
  globalThis.removeEventListener = () => {};
  globalThis.document = { querySelector: () => ({ dataset: { oktaSession: "/session" } }), hasFocus: () => true, hidden: false };
  globalThis.open = (url) => (server.opened = url) && (server.window = { closed: false });
  globalThis.fetch = async (input, init) => {
    const request = input instanceof Request ? input : new Request(new URL(input, ORIGIN), init);
    const path = new URL(request.url).pathname;
    calls.push({ method: request.method, path, csrf: request.headers.get("x-app"), body: await request.text() });
    if (path === "/session") return Response.json(server.state, { status: server.outage ?? 200 });
    if (path === "/logout") return Response.json({ location: "/logout?continue" });
    return new Response("", { status: server.api.length > 1 ? server.api.shift() : server.api[0] });
  };
  const url = `data:text/javascript,${encodeURIComponent(source)}//${number++}`;
  const module = await import(url);
  return { server, kit: module };
}

const signedOut = { signed_in: false, user: undefined, claims: undefined, ends_in: undefined, idle_ends_in: undefined };
const post = (kit) => kit.fetch(`${ORIGIN}/api/orders`, { method: "POST", body: "tea" });
const apiCalls = (server) => server.calls.filter(({ path }) => path === "/api/orders");

test("the session has the members of its type", async () => {
  const { kit } = await page();
  const session = await kit.session();
  assert.deepEqual([session.signedIn, session.user, session.claims], [true, "ada", { name: "Ada" }]);
  assert.ok(Math.abs(session.endsAt - Date.now() - 7_200_000) < 5000);
  assert.ok(Math.abs(session.idleEndsAt - Date.now() - 3_600_000) < 5000);
  assert.equal(kit.current(), session);
  assert.equal(globalThis.oktaAuth.session, kit.session);
});

test("only an extension is a POST, and has the header", async () => {
  const { kit, server } = await page();
  await kit.session({ extend: true });
  assert.deepEqual(server.calls.map(({ method, csrf }) => [method, csrf]), [["GET", null], ["POST", "1"]]);
});

test("a session address that fails is no sign-out", async () => {
  const { kit, server } = await page();
  await kit.session();
  server.outage = 503;
  await assert.rejects(kit.session(), { code: "unavailable" });
  assert.equal(kit.current().signedIn, true);
});

test("listeners hear of changes and of nothing else", async () => {
  const { kit, server } = await page();
  const heard = [];
  const stop = kit.onChange(({ signedIn }) => heard.push(signedIn));
  await kit.session();
  await kit.session();
  server.state = { ...server.state, ...signedOut };
  await kit.session();
  stop();
  server.state = { ...server.state, signed_in: true, user: "ada" };
  await kit.session();
  assert.deepEqual(heard, [true, false]);
});

test("a call has the header, and one to another origin does not", async () => {
  const { kit, server } = await page();
  assert.equal((await post(kit)).status, 200);
  await kit.fetch("https://other.example/api/orders", { method: "POST" });
  assert.deepEqual(apiCalls(server).map(({ csrf }) => csrf), ["1", null]);
});

test("a 401 with a live session belongs to the application", async () => {
  const { kit, server } = await page();
  server.api = [401];
  assert.equal((await post(kit)).status, 401);
  assert.equal(apiCalls(server).length, 1);
});

/** Answers the question as soon as it is asked. */
function answer(kit, server, user) {
  const reasons = [];
  kit.configure({
    ask: ({ reason, accept, cancel }) => {
      reasons.push(reason);
      setTimeout(async () => {
        if (!user) return cancel();
        assert.equal(accept(), true);
        server.state = { ...server.state, signed_in: true, user, ends_in: 7200, idle_ends_in: 3600 };
        await kit.session();
      });
      return () => reasons.push("removed");
    },
  });
  return reasons;
}

test("a call is repeated with its body after the same user has signed in", async () => {
  const { kit, server } = await page();
  await kit.session();
  server.api = [401, 401, 200];
  server.state = { ...server.state, ...signedOut };
  const reasons = answer(kit, server, "ada");
  const [one, two] = await Promise.all([post(kit), post(kit)]);
  assert.deepEqual([one.status, two.status], [200, 200]);
  assert.deepEqual(apiCalls(server).map(({ body }) => body), ["tea", "tea", "tea", "tea"]);
  assert.deepEqual(reasons, ["ended", "removed"], "one question for both calls");
  assert.equal(server.opened, "/login?return_to=%2Fsession%2Fpopup");
  assert.equal(server.left, undefined, "the page stays");
});

test("a call of one user is never made for another one", async () => {
  const { kit, server } = await page();
  await kit.session();
  server.api = [401, 200];
  server.state = { ...server.state, ...signedOut };
  answer(kit, server, "ben");
  await assert.rejects(post(kit), { code: "user_changed" });
  assert.equal(apiCalls(server).length, 1);
  await assert.rejects(post(kit), { code: "user_changed" });
  assert.equal(apiCalls(server).length, 1, "nor is the next one");
});

test("a call is rejected if the user does not sign in", async () => {
  const { kit, server } = await page();
  await kit.session();
  server.api = [401];
  server.state = { ...server.state, ...signedOut };
  answer(kit, server, undefined);
  await assert.rejects(post(kit), { code: "cancelled" });
  assert.equal(apiCalls(server).length, 1);
});

test("a sign-in leaves the page, and returns to it", async () => {
  const { kit, server } = await page(signedOut);
  await kit.session();
  kit.signIn();
  await new Promise(setImmediate);
  assert.equal(server.left, "/login?return_to=%2Forders%3Fpage%3D2");
});

test("a window that is blocked becomes a redirect", async () => {
  const { kit, server } = await page(signedOut);
  await kit.session();
  globalThis.open = () => null;
  kit.signIn({ popup: true, returnTo: "/done", prompt: "login" });
  await new Promise(setImmediate);
  assert.equal(server.left, "/login?return_to=%2Fdone&prompt=login");
});

test("a window that the user closes is a cancelled sign-in", async () => {
  const { kit, server } = await page(signedOut);
  await kit.session();
  const signedIn = kit.signIn({ popup: true });
  server.window.closed = true;
  await assert.rejects(signedIn, { code: "cancelled" });
});

test("a silent sign-in is left to the server's decision", async () => {
  const asked = await page({ ...signedOut, silent_login: true });
  asked.kit.signIn({ prompt: "none" });
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(asked.server.left, "/login?return_to=%2Forders%3Fpage%3D2&prompt=none");
  const before = await page(signedOut);
  assert.equal((await before.kit.signIn({ prompt: "none" })).signedIn, false);
  assert.equal(before.server.left, undefined, "the page would reload forever");
});

test("a sign-out follows the address of its answer", async () => {
  const { kit, server } = await page();
  await kit.session();
  kit.signOut();
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(server.left, "/logout?continue");
  const { method, csrf } = server.calls.find(({ path }) => path === "/logout");
  assert.deepEqual([method, csrf], ["POST", "1"]);
});

test("the user is asked before the end, and stays signed in", async () => {
  const { kit, server } = await page({ idle_ends_in: 2 });
  kit.configure({ warnBefore: 1 });
  const reasons = [];
  const extended = new Promise((done) => {
    kit.configure({
      ask: ({ reason, accept }) => {
        reasons.push(reason);
        server.state.idle_ends_in = 3600;
        setTimeout(accept);
        return done;
      },
    });
  });
  await kit.session();
  server.state.idle_ends_in = 1;
  await extended;
  assert.deepEqual(reasons, ["ending"]);
  assert.equal(server.calls.at(-1).method, "POST");
  assert.equal(server.opened, undefined);
});

// Channels and timers of the pages would keep the process alive.
test.after(() => setTimeout(() => process.exit(), 100));
