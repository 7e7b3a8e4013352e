//! The library's log for all tests of one binary. They share one subscriber, because
//! actix-web has its own threads.

use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

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

/// The log of one thread at level INFO and above, until it is dropped. For tests whose application runs on the
/// thread of the test.
pub(crate) struct ThreadLog {
    buffer: Buffer,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Buffer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl ThreadLog {
    pub(crate) fn start() -> Self {
        let buffer = Buffer::default();
        let subscriber = tracing_subscriber::fmt().with_writer(buffer.clone()).with_ansi(false).finish();
        Self { buffer, _guard: subscriber.set_default() }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.buffer.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn clear(&self) {
        self.buffer.0.lock().unwrap().clear();
    }

    /// Returns the warnings and errors so far.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.text()
            .lines()
            .filter(|line| line.contains(" WARN ") || line.contains(" ERROR "))
            .map(str::to_owned)
            .collect()
    }
}
