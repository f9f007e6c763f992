//! A small HTTP/1.1 client: one connection that is kept, and as little work of its own as can be.
//!
//! It shares the machine with the server that it measures. So it hands whole requests to the socket at once, reads bodies
//! straight into one buffer that is used again, and leaves compressed answers compressed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::process::Outcome;

/// No answer may keep one waiting for longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// A connection that was idle for longer is opened anew: some servers hang up after a few seconds.
const IDLE: Duration = Duration::from_secs(2);

/// What MLflow's Python client says of itself with every request.
const HEADERS: &str = "User-Agent: mlflow-python-client/3.18.0\r\nX-MLflow-Client-Version: 3.18.0\r\n\
                       Accept: */*\r\nConnection: keep-alive\r\n";

/// Whether an answer may come compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As MLflow's Python client asks for it.
    Any,
    /// Never: the answer is to be read here.
    Plain,
}

/// An answer; its body stays in the client's buffer.
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body as it came.
    pub(crate) body: &'a [u8],
    compressed: bool,
}

impl Answer<'_> {
    /// Length of the body once decompressed, in bytes: gzip's last four bytes tell it, modulo 2³².
    pub(crate) fn length(&self) -> usize {
        match (self.compressed, self.body.last_chunk::<4>()) {
            (true, Some(length)) => u32::from_le_bytes(*length) as usize,
            _ => self.body.len(),
        }
    }

    /// An error with the server's own words, unless the status is 200.
    pub(crate) fn ok(&self) -> Outcome {
        if self.status == 200 {
            return Ok(());
        }
        let words = String::from_utf8_lossy(self.body);
        let words: String = words.chars().take(300).collect();
        Err(format!("status {}: {}", self.status, words.trim()))
    }

    /// The body as JSON, if the status is 200.
    pub(crate) fn json(&self) -> Outcome<serde_json::Value> {
        self.ok()?;
        serde_json::from_slice(self.body).map_err(|error| format!("the answer is no JSON: {error}"))
    }
}

/// One connection to a server on this machine.
pub(crate) struct Client {
    port: u16,
    patience: Duration,
    stream: Option<BufReader<TcpStream>>,
    used: Instant,
    request: Vec<u8>,
    line: Vec<u8>,
    body: Vec<u8>,
}

struct Head {
    status: u16,
    length: Option<usize>,
    chunked: bool,
    compressed: bool,
    close: bool,
}

impl Client {
    /// A client of the server on this port. It connects with the first request.
    pub(crate) fn new(port: u16) -> Self {
        Self::patient(port, PATIENCE)
    }

    /// The same, that waits only so long for the next bytes of an answer.
    pub(crate) fn patient(port: u16, patience: Duration) -> Self {
        let used = Instant::now();
        let (request, line, body) = (Vec::new(), Vec::new(), Vec::new());
        Self { port, patience, stream: None, used, request, line, body }
    }

    /// GET a path, with its query.
    pub(crate) fn get(&mut self, path: &str, coding: Coding) -> Outcome<Answer<'_>> {
        self.call("GET", path, b"", coding)
    }

    /// POST a JSON body to a path.
    pub(crate) fn post(&mut self, path: &str, body: &[u8], coding: Coding) -> Outcome<Answer<'_>> {
        self.call("POST", path, body, coding)
    }

    fn call(&mut self, method: &str, path: &str, body: &[u8], coding: Coding) -> Outcome<Answer<'_>> {
        match self.exchange(method, path, body, coding) {
            Ok(head) => {
                if head.close {
                    self.stream = None;
                }
                Ok(Answer { status: head.status, body: &self.body, compressed: head.compressed })
            }
            Err(error) => {
                self.stream = None;
                Err(format!("{method} {path}: {error}"))
            }
        }
    }

    fn exchange(&mut self, method: &str, path: &str, body: &[u8], coding: Coding) -> std::io::Result<Head> {
        self.compose(method, path, body, coding);
        if self.used.elapsed() > IDLE {
            self.stream = None;
        }
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(("127.0.0.1", self.port))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(self.patience))?;
                none.insert(BufReader::with_capacity(64 * 1024, stream))
            }
        };
        stream.get_mut().write_all(&self.request)?;
        let head = read_head(stream, &mut self.line)?;
        read_body(stream, &head, &mut self.line, &mut self.body)?;
        self.used = Instant::now();
        Ok(head)
    }

    fn compose(&mut self, method: &str, path: &str, body: &[u8], coding: Coding) {
        let accepted = match coding {
            Coding::Any => "gzip, deflate",
            Coding::Plain => "identity",
        };
        self.request.clear();
        let port = self.port.to_string();
        for part in [method, " ", path, " HTTP/1.1\r\nHost: 127.0.0.1:", &port, "\r\n", HEADERS] {
            self.request.extend_from_slice(part.as_bytes());
        }
        for part in ["Accept-Encoding: ", accepted, "\r\n"] {
            self.request.extend_from_slice(part.as_bytes());
        }
        if method == "POST" {
            let length = body.len().to_string();
            for part in ["Content-Type: application/json\r\nContent-Length: ", &length, "\r\n"] {
                self.request.extend_from_slice(part.as_bytes());
            }
        }
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(body);
    }
}

fn read_head(stream: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<Head> {
    let status = text_line(stream, line)?
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| malformed("the answer has no status line"))?;
    let mut head = Head { status, length: None, chunked: false, compressed: false, close: false };
    loop {
        let text = text_line(stream, line)?;
        let Some((name, value)) = text.split_once(':') else { break };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = value.parse().ok();
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("content-encoding") {
            head.compressed = value.eq_ignore_ascii_case("gzip");
            if !head.compressed && !value.eq_ignore_ascii_case("identity") {
                return Err(malformed("the answer has a coding that this client does not know"));
            }
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = value.eq_ignore_ascii_case("close");
        }
    }
    Ok(head)
}

fn read_body(
    stream: &mut impl BufRead,
    head: &Head,
    line: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> std::io::Result<()> {
    body.clear();
    if head.chunked {
        loop {
            let text = text_line(stream, line)?;
            let size = text.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| malformed("a chunk has no size"))?;
            if size == 0 {
                break;
            }
            append(stream, size, body)?;
            text_line(stream, line)?;
        }
        // Trailers, if any, up to the empty line.
        while !text_line(stream, line)?.is_empty() {}
        return Ok(());
    }
    match head.length {
        Some(length) => append(stream, length, body),
        None if head.close => stream.read_to_end(body).map(drop),
        None => Err(malformed("the answer does not say where its body ends")),
    }
}

/// Read exactly so many bytes onto the end of the body.
fn append(stream: &mut impl Read, size: usize, body: &mut Vec<u8>) -> std::io::Result<()> {
    let start = body.len();
    body.resize(start + size, 0);
    match body.get_mut(start..) {
        Some(room) => stream.read_exact(room),
        None => Ok(()),
    }
}

/// The next line without its end.
fn text_line<'a>(stream: &mut impl BufRead, line: &'a mut Vec<u8>) -> std::io::Result<&'a str> {
    line.clear();
    if stream.read_until(b'\n', line)? == 0 {
        return Err(malformed("the server hung up"));
    }
    let text = std::str::from_utf8(line).map_err(|_| malformed("a header is not text"))?;
    Ok(text.trim_ascii_end())
}

fn malformed(why: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(text: &[u8]) -> std::io::Result<(Head, Vec<u8>)> {
        let mut stream = BufReader::new(text);
        let (mut line, mut body) = (Vec::new(), Vec::new());
        let head = read_head(&mut stream, &mut line)?;
        read_body(&mut stream, &head, &mut line, &mut body)?;
        Ok((head, body))
    }

    #[test]
    fn a_body_of_known_length_is_read_to_its_end_only() {
        let (head, body) = read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 500").unwrap();
        assert_eq!((head.status, body.as_slice()), (200, b"{}".as_slice()));
    }

    #[test]
    fn chunks_are_joined() {
        let text =
            b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n";
        let (head, body) = read(text).unwrap();
        assert_eq!((head.status, body.as_slice()), (404, b"abcde".as_slice()));
    }

    #[test]
    fn half_an_answer_is_an_error() {
        assert!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}").is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\n\r\n{}").is_err());
        assert!(read(b"").is_err());
    }

    #[test]
    fn the_length_of_a_compressed_body_is_that_of_its_content() {
        let compressed = [0x1f, 0x8b, 0, 0, 0xd2, 0x04, 0, 0];
        let length =
            |compressed_| Answer { status: 200, body: &compressed, compressed: compressed_ }.length();
        assert_eq!((length(true), length(false)), (1234, 8));
    }
}
