// Calls the API as a script of the app's own pages does: the browser sends the session's cookie by itself.
for (const button of document.querySelectorAll("button[data-api]")) {
  button.addEventListener("click", async () => {
    const path = button.dataset.api;
    const output = document.getElementById("answer");
    output.hidden = false;
    try {
      const answer = await fetch(path, { headers: { accept: "application/json" } });
      const text = await answer.text();
      output.textContent = `GET ${path}: ${answer.status}\n${pretty(text)}`;
    } catch (error) {
      output.textContent = `GET ${path}: ${error.message}`;
    }
  });
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
