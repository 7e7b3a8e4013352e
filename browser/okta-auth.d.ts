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
"ended"
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
    "cancelled"
    /** Another user signed in, so the call was not repeated. Reload the page. */
     | "user_changed"
    /** The session address or the sign-out failed. The user may still be signed in. */
     | "unavailable";
}
declare const texts: {
    endedTitle: string;
    endedText: string;
    signIn: string;
    endingTitle: string;
    endingText: string;
    stay: string;
    cancel: string;
};
/** Changes settings. Call it before everything else. */
export declare function configure(changes: Options): void;
/** Returns the last known state, without a request; `undefined` before the first answer. */
export declare function current(): Session | undefined;
/** Calls `listener` at every change of the state, in every tab. Returns a function that stops this. */
export declare function onChange(listener: (session: Session) => void): () => void;
/** Reads the state of the session. This does not count as a use of it; `extend` does. */
export declare function session({ extend }?: {
    extend?: boolean | undefined;
}): Promise<Session>;
/**
 * Signs in. Without `popup`, or if the browser blocks the window, this page is left.
 *
 * Rejects with `cancelled` if the user closes the window.
 */
export declare function signIn({ returnTo, popup, prompt }?: SignInOptions): Promise<Session>;
/** Signs out in all tabs, and leaves this page. */
export declare function signOut(): Promise<void>;
/**
 * Calls the application as the global `fetch` does, with the header that it requires.
 *
 * If the session has ended, the user is asked to sign in, and the call is repeated. Rejects with `cancelled` if the user
 * does not sign in, and with `user_changed` if another user does.
 */
export declare function fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
export {};
