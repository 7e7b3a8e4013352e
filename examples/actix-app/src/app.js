// Calls the API from the app's own page. The browser sends the session cookie automatically.
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
