// Rules that keep this module safe:
// 1. A message from another window or tab is never believed: it only causes a request to the session address.
// 2. A call is repeated only for the user for whom it was made.
// 3. A window is opened inside of a click, before anything is awaited, or browsers block it.
// 4. No markup is parsed and no style attribute is written, so a strict Content Security Policy allows the dialog.

/** The state of the session. */
export interface Session {
  /** Whether a user is signed in. */
  signedIn: boolean;
  /** An opaque tag of the user, the same in every session of the user. */
  user?: string;
  /** The claims that the application lists with `session_claims`. */
  claims: Record<string, unknown>;
  /** When the session ends if it is used, in milliseconds since 1970. */
  endsAt: number;
  /** When the session ends if it is not used, in milliseconds since 1970. */
  idleEndsAt: number;
  /** The path that starts a sign-in. */
  loginPath: string | null;
  /** The path that ends the session. */
  logoutPath: string | null;
  /** The header that requests with an unsafe method need. */
  csrfHeader: string | null;
  /** Whether `signIn({ prompt: "none" })` would ask Okta: at most once until the browser is closed. */
  silentLogin: boolean;
}

/** Why the user is asked. */
export type Reason =
  /** The session has ended, and a call waits for a new sign-in. */
  | "ended"
  /** The session ends soon. */
  | "ending";

/** A question to the user, for an application that shows its own dialog. */
export interface Question {
  reason: Reason;
  /**
   * Signs in or extends the session. Call it inside of the click, because it may open a window. Returns `false` if the
   * browser blocks the window; the question then stays open.
   */
  accept(): boolean;
  /** Closes the question without an answer. */
  cancel(): void;
}

export interface Options {
  /** The session address; by default the one of the script tag, or `session` beside this script. */
  session?: string;
  /** How many seconds before the end of the session the user is asked; 60 by default, and 0 for never. */
  warnBefore?: number;
  /** Asks the user in place of the built-in dialog. Returns a function that removes the question. */
  ask?: (question: Question) => () => void;
  /** The texts of the built-in dialog. */
  texts?: Partial<typeof texts>;
}

export interface SignInOptions {
  /** The page to return to: a path of the application, by default the present one. */
  returnTo?: string;
  /** Signs in in a window of its own, so that this page stays as it is. Call `signIn` inside of the click. */
  popup?: boolean;
  /** `login` asks for credentials in any case; `none` signs in only if Okta needs to ask nothing. */
  prompt?: "login" | "select_account" | "none";
}

/** The error of a call that was not made, or not repeated. */
export interface AuthError extends Error {
  code:
    /** The user did not sign in. */
    | "cancelled"
    /** Another user signed in, so the call was not repeated. Reload the page. */
    | "user_changed"
    /** The session address or the sign-out failed. The user may still be signed in. */
    | "unavailable";
}

const texts = {
  endedTitle: "Please sign in",
  endedText: "You are not signed in, or your session has ended. This page stays as it is.",
  signIn: "Sign in",
  endingTitle: "Your session is about to end",
  endingText: "Without an answer you will be signed out soon.",
  stay: "Stay signed in",
  cancel: "Not now",
};

const SIGNED_IN = "okta-auth:signed-in";
const SIGNED_OUT = "okta-auth:signed-out";

let options: Options = {};
let known: Session | undefined;
/** The user whose data this page shows. */
let pageUser: string | undefined;
/** How often a new sign-in was noticed. */
let signIns = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let channel: BroadcastChannel | undefined;
let asked: Promise<Session> | undefined;
/** Tells the open question what the session address answered. */
let answered: ((session: Session) => void) | undefined;
const listeners = new Set<(session: Session) => void>();

/** Changes settings. Call it before everything else. */
export function configure(changes: Options): void {
  options = { ...options, ...changes };
}

/** Returns the last known state, without a request; `undefined` before the first answer. */
export function current(): Session | undefined {
  return known;
}

/** Calls `listener` at every change of the state, in every tab. Returns a function that stops this. */
export function onChange(listener: (session: Session) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Reads the state of the session. This does not count as a use of it; `extend` does. */
export async function session({ extend = false } = {}): Promise<Session> {
  listen();
  if (extend && !known) await session();
  const response = await globalThis.fetch(address(), {
    method: extend ? "POST" : "GET",
    headers: extend && known?.csrfHeader ? { [known.csrfHeader]: "1" } : {},
    cache: "no-store",
  });
  if (!response.ok) throw failure("unavailable", `the session address answered ${response.status}`);
  const body = await response.json();
  return update({
    signedIn: body.signed_in,
    user: body.user,
    claims: body.claims ?? {},
    endsAt: Date.now() + (body.ends_in ?? 0) * 1000,
    idleEndsAt: Date.now() + (body.idle_ends_in ?? 0) * 1000,
    loginPath: body.login_path,
    logoutPath: body.logout_path,
    csrfHeader: body.csrf_header,
    silentLogin: body.silent_login,
  });
}

/**
 * Signs in. Without `popup`, or if the browser blocks the window, this page is left.
 *
 * Rejects with `cancelled` if the user closes the window.
 */
export async function signIn({ returnTo, popup, prompt }: SignInOptions = {}): Promise<Session> {
  if (popup && prompt !== "none") {
    const signedIn = openWindow(prompt);
    if (signedIn) return accepted(await signedIn);
  }
  const now = known && prompt !== "none" ? known : await session();
  // The server allows one silent sign-in until the browser is closed. Without this check the page would reload forever.
  if (prompt === "none" && (now.signedIn || !now.silentLogin)) return now;
  location.assign(loginUrl(now, returnTo ?? location.pathname + location.search + location.hash, prompt));
  return new Promise(() => {});
}

/** Signs out in all tabs, and leaves this page. */
export async function signOut(): Promise<void> {
  const { logoutPath, csrfHeader } = known ?? (await session());
  if (!logoutPath) throw failure("unavailable", "sign-out is turned off");
  const headers = { accept: "application/json", ...(csrfHeader && { [csrfHeader]: "1" }) };
  const response = await globalThis.fetch(logoutPath, { method: "POST", headers });
  channel?.postMessage(SIGNED_OUT);
  if (!response.ok) {
    await session().catch(() => {});
    throw failure("unavailable", `the sign-out answered ${response.status}`);
  }
  location.assign((await response.json()).location);
  return new Promise(() => {});
}

/**
 * Calls the application as the global `fetch` does, with the header that it requires.
 *
 * If the session has ended, the user is asked to sign in, and the call is repeated. Rejects with `cancelled` if the user
 * does not sign in, and with `user_changed` if another user does.
 */
export async function fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  if (new URL(request.url).origin !== location.origin) return globalThis.fetch(request);
  const { csrfHeader } = known ?? (await session());
  const [user, before] = [pageUser, signIns];
  const send = () => {
    if (known?.signedIn && user && known.user !== user) throw failure("user_changed", "another user has signed in");
    const copy = request.clone();
    if (csrfHeader) copy.headers.set(csrfHeader, "1");
    return globalThis.fetch(copy);
  };
  const response = await send();
  if (response.status !== 401) return response;
  const now = await session();
  // A live session means that the application itself, or a policy, answered 401.
  if (now.signedIn && signIns === before) return response;
  if (!now.signedIn) await ask("ended");
  return send();
}

function failure(code: AuthError["code"], message: string): AuthError {
  return Object.assign(new Error(message), { code });
}

function address(): string {
  const tag = document.querySelector<HTMLElement>("script[data-okta-session]");
  return new URL(options.session ?? tag?.dataset["oktaSession"] ?? new URL("session", import.meta.url), location.href).pathname;
}

function loginUrl({ loginPath }: Session, returnTo: string, prompt?: string): string {
  if (!loginPath) throw failure("unavailable", "sign-in is turned off");
  return `${loginPath}?${new URLSearchParams({ return_to: returnTo, ...(prompt && { prompt }) })}`;
}

/** Records an answer of the session address. */
function update(next: Session): Session {
  const last = known;
  known = next;
  pageUser ??= next.user;
  if (next.signedIn && !last?.signedIn) signIns++;
  schedule();
  answered?.(next);
  if (last?.signedIn !== next.signedIn || last?.user !== next.user) for (const listener of listeners) listener(next);
  return next;
}

/** Records that this page's user is the one who has just signed in, by the user's own choice. */
function accepted(now: Session): Session {
  pageUser = now.user;
  return now;
}

/** Listens for sign-ins and sign-outs in other tabs, and for the return to this one. */
function listen(): void {
  if (channel) return;
  channel = new BroadcastChannel(`okta-auth:${address()}`);
  const refresh = (signedIn?: boolean) => void session().then(() => signedIn && signIns++, () => {});
  channel.onmessage = ({ data }) => refresh(data === SIGNED_IN);
  addEventListener("pageshow", ({ persisted }) => persisted && refresh());
  addEventListener("visibilitychange", () => document.hidden || refresh());
}

const end = ({ endsAt, idleEndsAt }: Session) => Math.min(endsAt, idleEndsAt);
const warning = () => (options.warnBefore ?? 60) * 1000;

function schedule(): void {
  clearTimeout(timer);
  if (!known?.signedIn) return;
  const left = end(known) - Date.now();
  const pause = warning() && left > warning() ? left - warning() : left + 1000;
  // A longer timer would fire at once.
  timer = setTimeout(check, Math.min(pause, 2 ** 31 - 1));
}

/** Asks before the end of the session, unless another tab has used it. */
async function check(): Promise<void> {
  try {
    const now = await session();
    if (now.signedIn && end(now) - Date.now() <= warning()) await ask("ending");
  } catch (error) {
    if ((error as AuthError).code !== "cancelled") timer = setTimeout(check, 10_000);
  }
}

/** Asks the user, once for all calls that wait. */
function ask(reason: Reason): Promise<Session> {
  return (asked ??= new Promise<Session>((resolve, reject) => {
    const show = () => (options.ask ?? dialog)({ reason, accept, cancel: () => fail(failure("cancelled", "the user did not sign in")) });
    const fail = (error: AuthError) => {
      close();
      reject(error);
    };
    const done = (now: Session) => {
      close();
      resolve(now);
    };
    const accept = () => {
      const now = known as Session;
      const isExtended = now.signedIn && Date.now() < end(now) && now.endsAt - Date.now() > warning();
      const signedIn = isExtended ? session({ extend: true }) : openWindow();
      signedIn?.then((now) => now.signedIn && done(now), (error) => error.code === "cancelled" || fail(error));
      return !!signedIn;
    };
    let close = show();
    answered = (now) => {
      if (now.signedIn && (reason === "ended" || end(now) - Date.now() > warning())) done(now);
      else if (!now.signedIn && reason === "ending") {
        close();
        reason = "ended";
        close = show();
      }
    };
  }).finally(() => (asked = answered = undefined)));
}

/** Opens the sign-in in a window. Returns `undefined` if the browser blocks it. */
function openWindow(prompt?: string): Promise<Session> | undefined {
  const url = (now: Session) => loginUrl(now, `${address()}/popup`, prompt);
  const opened = open(known ? url(known) : "", "okta-auth", "popup,width=500,height=650");
  if (!opened) return;
  return new Promise<Session>((resolve, reject) => {
    if (!known) session().then((now) => (opened.location.href = url(now)), finish);
    const start = signIns;
    const done = (now: Session) => {
      if (!now.signedIn) return;
      finish();
      resolve(now);
    };
    const check = () => session().then(done, () => {});
    const message = ({ origin, source, data }: MessageEvent) => {
      if (origin === location.origin && source === opened && data === SIGNED_IN) check();
    };
    // A page with a Cross-Origin-Opener-Policy makes the window look closed while the user is still in it.
    const watch = setInterval(async () => {
      if (signIns > start && known) done(known);
      if (!opened.closed || !document.hasFocus()) return;
      finish();
      const now = await session().catch(() => undefined);
      if (now?.signedIn && signIns > start) resolve(now);
      else reject(failure("cancelled", "the window was closed"));
    }, 250);
    function finish(error?: unknown): void {
      clearInterval(watch);
      removeEventListener("message", message);
      if (error) reject(error);
    }
    addEventListener("message", message);
  });
}

function dialog({ reason, accept, cancel }: Question): () => void {
  const text = { ...texts, ...options.texts };
  const [heading, body, yes] =
    reason === "ended" ? [text.endedTitle, text.endedText, text.signIn] : [text.endingTitle, text.endingText, text.stay];
  const element = <K extends keyof HTMLElementTagNameMap>(name: K, content: string, attributes = {}) =>
    Object.assign(document.createElement(name), { textContent: content, ...attributes });
  const box = element("dialog", "", { id: "okta-auth-dialog", role: "alertdialog" });
  box.append(element("h2", heading, { id: "okta-auth-title" }), element("p", body, { id: "okta-auth-text" }));
  box.setAttribute("aria-labelledby", "okta-auth-title");
  box.setAttribute("aria-describedby", "okta-auth-text");
  // If the browser blocks the window, it follows the link, and this page stays as it is.
  const link = element("a", yes, { href: loginUrl(known as Session, `${address()}/popup`), target: "okta-auth", role: "button" });
  // A handler that returned `false` would cancel the click itself.
  link.onclick = (event) => void (accept() && event.preventDefault());
  // A link reacts only to Enter, and a button to the space bar too.
  link.onkeydown = (event) => void (event.key === " " && (event.preventDefault(), link.click()));
  const close = element("button", text.cancel, { type: "button" });
  close.onclick = box.oncancel = () => cancel();
  close.style.marginInlineStart = "1rem";
  box.append(link, close);
  document.body.append(box);
  box.showModal();
  return () => box.remove();
}

Object.assign(globalThis, { oktaAuth: { configure, current, fetch, onChange, session, signIn, signOut } });
