import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { api, signInHere, signOut, useSession } from "./session.js";
import "./style.css";

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
      <label htmlFor="note">A note</label>
      <div className="row">
        <input id="note" name="note" value={note} onChange={(event) => setNote(event.target.value)} required />
        <button className="main">Save</button>
      </div>
      <p role="status">{result}</p>
    </form>
  );
}

function App() {
  const session = useSession();
  if (!session) return <p className="quiet">Loading</p>;
  const { signedIn, claims } = session;
  return (
    <>
      <header>
        <h1>{signedIn ? `Hello, ${claims.name}` : "Hello, stranger"}</h1>
        {signedIn ? (
          <button onClick={signOut}>Sign out</button>
        ) : (
          <button className="main" onClick={signInHere}>Sign in</button>
        )}
      </header>
      <Notes />
      <p className="quiet">
        {signedIn
          ? "If your session ends while you write, the page asks you to sign in again, and keeps the note."
          : "Write a note and save it. The page asks you to sign in, and then saves the note."}
      </p>
    </>
  );
}

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
