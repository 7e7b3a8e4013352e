import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { api, signInHere, signOut, useSession } from "./session.js";

function Notes() {
  const [note, setNote] = useState("");
  const [result, setResult] = useState("");
  const save = async (event) => {
    event.preventDefault();
    try {
      const { saved } = await api("/api/notes", { method: "POST", body: note });
      setResult(`Saved: ${saved}`);
      setNote("");
    } catch (error) {
      setResult(`Not saved: ${error.code ?? error.message}`);
    }
  };
  return (
    <form onSubmit={save}>
      <label>
        A note <input name="note" value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
      <button>Save</button>
      <p role="status">{result}</p>
    </form>
  );
}

function App() {
  const session = useSession();
  if (!session) return <p>Loading</p>;
  return (
    <>
      <h1>{session.signedIn ? `Hello, ${session.claims.name}` : "Hello, stranger"}</h1>
      {session.signedIn ? <button onClick={signOut}>Sign out</button> : <button onClick={signInHere}>Sign in</button>}
      <Notes />
    </>
  );
}

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
