// All that this app has for sign-in state, sign-out, the end of a session, and calls of the API.
import { useEffect, useState } from "react";
import { current, fetch, onChange, session, signIn, signOut } from "/okta-auth.js";

export { signOut };
export const signInHere = () => signIn({ popup: true }).catch(() => {}); // the user closed the window

export function useSession() {
  const [state, setState] = useState(current());
  useEffect(() => {
    const stop = onChange(setState);
    session().catch(() => {}); // an outage: the page stays as it is
    return stop;
  }, []);
  return state;
}

export async function api(path, options) {
  const response = await fetch(path, options); // asks for a new sign-in if the session has ended
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}
