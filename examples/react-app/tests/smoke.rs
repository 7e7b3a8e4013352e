//! The program over HTTP. `npm test` in `web/` runs the story in a browser.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// The program, which is killed at the end of the test.
struct Program(Child, u16);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_react-app"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OKTA_")) {
            command.env_remove(name);
        }
        let mut child = command.env("PORT", port.to_string()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line.starts_with("Open ")), "the program ended");
        Self(child, port)
    }

    /// The response to a request, with its head.
    fn send(&self, line: &str, headers: &str) -> String {
        let mut socket = TcpStream::connect(("127.0.0.1", self.1)).unwrap();
        let host = format!("localhost:{}", self.1);
        write!(socket, "{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: 0\r\n{headers}\r\n")
            .unwrap();
        let mut response = String::new();
        socket.read_to_string(&mut response).unwrap();
        response
    }
}

#[test]
fn the_front_end_and_its_addresses_are_served() {
    let program = Program::start();
    for (path, text) in [
        ("/", "<script type=\"module\" crossorigin src=\"/app.js\">"),
        ("/app.js", "from\"/okta-auth.js\""),
        ("/app.css", "#okta-auth-dialog"),
        ("/okta-auth.js", "oktaAuth"),
        ("/session", "\"signed_in\":false"),
    ] {
        let response = program.send(&format!("GET {path}"), "");
        assert!(response.starts_with("HTTP/1.1 200"), "{path}: {response}");
        assert!(response.contains(text), "{path}: no `{text}`");
    }
    let refused = program.send("POST /api/notes", "x-react-app: 1\r\n");
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("login_required"), "{refused}");
}
