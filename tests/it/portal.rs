//! The fake of what moto does not have: Identity Center, Sign-In, container and instance endpoints.
//! `tests/aws/portal.py` documents it, `portal_selftest.py` certifies it.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value as Json, json};

use crate::support::{python, repository};

/// A server of the test's own; it ends with this value.
pub(crate) struct Portal {
    /// Its ready line.
    pub(crate) ready: Json,
    server: Child,
}

impl Portal {
    /// Starts one.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one that is behind TLS as well, at `tls_url` of the ready line; `bundle` will hold the
    /// authority of its certificate.
    pub(crate) fn start_tls(bundle: &Path) -> Self {
        Self::start_with(&[OsStr::new("--tls"), bundle.as_os_str()])
    }

    fn start_with(options: &[&OsStr]) -> Self {
        let mut server = Command::new(python())
            .arg(repository().join("tests/aws/portal.py"))
            .arg("--until-eof")
            .args(options)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the portal starts");
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { ready: serde_json::from_str(&line).expect("the portal's ready line"), server }
    }

    /// Its address, without a `/` at the end.
    pub(crate) fn url(&self) -> String {
        self.ready["url"].as_str().unwrap().to_owned()
    }

    /// A call of its control interface.
    pub(crate) fn control(&self, path: &str, body: Json) -> Json {
        let port = u16::try_from(self.ready["port"].as_u64().unwrap()).unwrap();
        let body = body.to_string();
        let request = format!(
            "POST /_control/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).expect("a JSON answer")
    }

    /// Lets the next `times` requests of an action fail.
    pub(crate) fn fault(&self, action: &str, kind: &str, times: u32) {
        self.control("fault", json!({ "action": action, "kind": kind, "times": times }));
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Json> {
        self.control("requests", json!({}))["requests"].as_array().unwrap().clone()
    }

    /// The names of these requests.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.requests().iter().map(|r| r["action"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        _ = self.server.wait();
    }
}
