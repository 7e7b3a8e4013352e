// Starts Chromium or Firefox and sends it WebDriver commands (W3C WebDriver §6). Chromium needs chromedriver; Firefox
// answers the same commands itself, by its Marionette protocol, so it needs no other program.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";

const COMMANDS = {
  DeleteAllCookies: ["DELETE", "/cookie"],
  CloseWindow: ["DELETE", "/window"],
  ElementClick: ["POST", "/element/{id}/click"],
  ElementSendKeys: ["POST", "/element/{id}/value"],
  ExecuteScript: ["POST", "/execute/sync"],
  FindElement: ["POST", "/element"],
  GetWindowHandles: ["GET", "/window/handles"],
  Navigate: ["POST", "/url"],
  NewWindow: ["POST", "/window/new"],
  PerformActions: ["POST", "/actions"],
  SwitchToWindow: ["POST", "/window"],
};

/** Repeats `check` until it returns a value, because a browser has no virtual clock. */
export async function until(what, check) {
  for (const start = Date.now(); ; await new Promise((done) => setTimeout(done, 50))) {
    const found = await Promise.resolve().then(check).catch(() => undefined);
    if (found) return found;
    if (Date.now() - start > 60_000) throw new Error(`never: ${what}`);
  }
}

/** Starts a browser with a profile of its own. Windows that no click opens are blocked, as users have it. */
export async function start(name) {
  const profile = mkdtempSync(`${tmpdir()}/okta-auth-kit-`);
  const port = 20000 + (process.pid % 20000);
  const { command, stop } = await (name === "firefox" ? firefox : chromium)(profile, port);
  const quit = async () => {
    await stop();
    rmSync(profile, { recursive: true, force: true, maxRetries: 9 });
  };
  return { command, quit };
}

async function chromium(profile, port) {
  const driver = spawn("chromedriver", [`--port=${port}`], { stdio: "ignore" });
  const call = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(value.message);
    return value;
  };
  await until("chromedriver answers", () => call("GET", "/status"));
  const args = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`];
  const chrome = { args, excludeSwitches: ["disable-popup-blocking"] };
  const capabilities = { alwaysMatch: { browserName: "chrome", "goog:chromeOptions": chrome } };
  const { sessionId } = await call("POST", "/session", { capabilities });
  const command = (name, params = {}) => {
    const [method, path] = COMMANDS[name];
    return call(method, `/session/${sessionId}${path.replace("{id}", params.id)}`, method === "POST" ? params : undefined);
  };
  const stop = async () => {
    await call("DELETE", `/session/${sessionId}`).catch(() => {});
    driver.kill();
  };
  return { command, stop };
}

async function firefox(profile, port) {
  const preferences = { "marionette.port": port, "dom.disable_open_during_load": true };
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${value});\n`);
  writeFileSync(`${profile}/user.js`, lines.join(""));
  const program = spawn("firefox-esr", ["--headless", "--marionette", "--no-remote", "--profile", profile], { stdio: "ignore" });
  const socket = await until("Firefox answers", () =>
    new Promise((resolve, reject) => {
      const socket = net.connect(port, "127.0.0.1", () => resolve(socket)).on("error", reject);
    }));
  const waiting = new Map();
  let received = Buffer.alloc(0);
  // A message is its length in bytes, a colon, and JSON. The first one is a greeting.
  socket.on("data", (data) => {
    received = Buffer.concat([received, data]);
    for (let colon; (colon = received.indexOf(":")) > 0; ) {
      const end = colon + 1 + Number(received.subarray(0, colon));
      if (received.length < end) return;
      const message = JSON.parse(received.subarray(colon + 1, end));
      received = received.subarray(end);
      if (Array.isArray(message)) waiting.get(message[1])(message);
    }
  });
  let last = 0;
  const command = (name, params = {}) =>
    new Promise((resolve, reject) => {
      const message = JSON.stringify([0, ++last, `WebDriver:${name}`, params]);
      waiting.set(last, ([, , error, result]) =>
        error ? reject(new Error(error.message)) : resolve(result && "value" in result ? result.value : result));
      socket.write(`${Buffer.byteLength(message)}:${message}`);
    });
  await command("NewSession", { capabilities: { alwaysMatch: {} } });
  const stop = async () => {
    const ended = new Promise((done) => program.on("exit", done));
    socket.destroy();
    program.kill();
    await ended;
  };
  return { command, stop };
}
