//! The library's log for all tests of one binary. They share one subscriber, because
//! actix-web has its own threads.

use std::io::Write;
use std::sync::{Mutex, Once};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The target of the subscriber.
struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts to record lines of level INFO and above.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let level = tracing_subscriber::filter::LevelFilter::INFO;
        tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(|| Writer).init();
    });
}

/// The library's lines that contain all of these words. One word should be specific to
/// the test, such as the URL of its org.
pub(crate) fn lines(words: &[&str]) -> Vec<String> {
    let log = String::from_utf8_lossy(&LINES.lock().unwrap()).into_owned();
    let own = log.lines().filter(|line| line.contains(" okta_auth"));
    own.filter(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned).collect()
}

/// The only line that contains all of these words.
pub(crate) fn line(words: &[&str]) -> String {
    let found = lines(words);
    assert_eq!(found.len(), 1, "{words:?}: {found:#?}");
    found[0].clone()
}
