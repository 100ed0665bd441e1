//! Chromium, driven over a pipe by its own protocol: no port, no driver program, and pages stay as they are.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The program that TWOLAYER_CHROMIUM names. Tests that need it are skipped without it.
fn program() -> Option<String> {
    let program = std::env::var_os("TWOLAYER_CHROMIUM");
    if program.is_none() {
        // Not by `eprintln!`, which the test harness captures.
        let _ = writeln!(std::io::stderr(), "skipped: TWOLAYER_CHROMIUM names no Chromium");
    }
    Some(program?.into_string().expect("TWOLAYER_CHROMIUM is UTF-8"))
}

/// A browser with one page.
pub struct Browser {
    child: Child,
    commands: ChildStdin,
    replies: BufReader<ChildStdout>,
    session: Option<Value>,
    sent: u64,
    /// Addresses that were asked for, and errors and refusals that the console shows, since the last [`Browser::open`].
    pub requests: Vec<String>,
    pub complaints: Vec<String>,
    /// Its profile.
    _folder: tempfile::TempDir,
}

impl Browser {
    /// None, with a message, without Chromium.
    pub fn start() -> Option<Browser> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Chromium reads commands from descriptor 3 and answers on 4.
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 >/dev/null 2>&1"#, &program()?]);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]);
        command.arg(format!("--user-data-dir={}", folder.path().display()));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell runs");
        let (commands, replies) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let (requests, complaints) = (Vec::new(), Vec::new());
        let mut browser =
            Browser { child, commands, replies, session: None, sent: 0, requests, complaints, _folder: folder };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = Some(attached["sessionId"].clone());
        for domain in ["Page", "Network", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Sends a command of the protocol and waits for its result, noting the events before it.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut command = json!({"id": self.sent, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            command["sessionId"] = session.clone();
        }
        write!(self.commands, "{command}\0").expect("Chromium reads");
        loop {
            let mut message = Vec::new();
            self.replies.read_until(0, &mut message).expect("Chromium answers");
            assert_eq!(message.pop(), Some(0), "Chromium ended at {command}");
            let mut message: Value = serde_json::from_slice(&message).expect("JSON");
            if message["id"] == self.sent {
                assert!(message["error"].is_null(), "{command}: {message}");
                return message["result"].take();
            }
            self.note(&message["method"], &message["params"]);
        }
    }

    fn note(&mut self, event: &Value, what: &Value) {
        match event.as_str() {
            Some("Network.requestWillBeSent") => self.requests.push(what["request"]["url"].as_str().unwrap().into()),
            Some("Runtime.exceptionThrown" | "Log.entryAdded") => self.complaints.push(what.to_string()),
            _ => {}
        }
    }

    /// Opens a page in a window of this size, in light or dark colours.
    pub fn open(&mut self, page: &std::path::Path, (width, height): (u32, u32), dark: bool) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }});
        self.call("Emulation.setEmulatedMedia", json!({"features": [scheme]}));
        self.requests.clear();
        self.complaints.clear();
        let opened = self.call("Page.navigate", json!({"url": format!("file://{}", page.display())}));
        assert!(opened["errorText"].is_null(), "{opened}");
        self.eval("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))");
    }

    /// The value of an expression in the page, also of a promise.
    pub fn eval(&mut self, expression: &str) -> Value {
        let what = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut found = self.call("Runtime.evaluate", what);
        assert!(found["exceptionDetails"].is_null(), "{expression}: {found}");
        found["result"]["value"].take()
    }

    /// How many pixels wider the page is than its window.
    pub fn overflow(&mut self) -> i64 {
        self.eval("document.documentElement.scrollWidth - innerWidth").as_i64().unwrap()
    }

    /// The brightness of the page's background, from 0 to 765.
    pub fn brightness(&mut self) -> i64 {
        let sum =
            r"getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)";
        self.eval(sum).as_i64().unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
