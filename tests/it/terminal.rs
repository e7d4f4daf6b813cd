//! A pseudo-terminal on which one program runs: keys go in, text comes out. It waits for a text without
//! looking again and again, because the hooks' tests wait thousands of times.

use std::{
    fs::File,
    io::{Read, Write},
    process::Command,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use rexpect::process::{PtyProcess, Signal};

/// What the program has printed, each byte as a character, and whether that was all.
#[derive(Default)]
struct Printed {
    text: String,
    ended: bool,
}

/// A program on a terminal of its own.
pub(crate) struct Terminal {
    process: PtyProcess,
    keys: File,
    printed: Arc<(Mutex<Printed>, Condvar)>,
    patience: Duration,
}

impl Terminal {
    /// Starts a program; `patience` is how long each wait may take.
    pub(crate) fn start(command: Command, patience: Duration) -> Self {
        let process = PtyProcess::new(command).expect("a program on a terminal");
        let keys = process.get_file_handle().expect("the terminal");
        let mut screen = process.get_file_handle().expect("the terminal");
        let printed = Arc::new((Mutex::new(Printed::default()), Condvar::new()));
        let shared = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal whose program is gone gives an error.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                let mut printed = shared.0.lock().unwrap();
                printed.text.extend(bytes[..count].iter().map(|byte| char::from(*byte)));
                shared.1.notify_all();
            }
            shared.0.lock().unwrap().ended = true;
            shared.1.notify_all();
        });
        Self { process, keys, printed, patience }
    }

    /// Types keys.
    pub(crate) fn send(&mut self, keys: &str) {
        // A program that is gone shows itself where its text is waited for.
        _ = self.keys.write_all(keys.as_bytes());
    }

    /// Types a key with Control.
    pub(crate) fn control(&mut self, key: char) {
        let code = (key.to_ascii_uppercase() as u8) & 0x1f;
        self.send(&char::from(code).to_string());
    }

    /// Waits for a text and takes it; what came before it, or why it did not come.
    pub(crate) fn until(&mut self, text: &str) -> Result<String, String> {
        let mut printed = self.wait(|printed| printed.ended || printed.text.contains(text));
        match printed.text.find(text) {
            Some(at) => {
                let before = printed.text.drain(..at).collect();
                printed.text.drain(..text.len());
                Ok(before)
            }
            None if printed.ended => Err(format!("the program ended after {:?}", printed.text)),
            None => Err(format!("after {:?} there is only {:?}", self.patience, printed.text)),
        }
    }

    /// Waits for the program's end; what it printed.
    pub(crate) fn until_the_end(&mut self) -> String {
        let mut printed = self.wait(|printed| printed.ended);
        assert!(printed.ended, "it goes on after {:?}", printed.text);
        std::mem::take(&mut printed.text)
    }

    fn wait(&self, come: impl Fn(&Printed) -> bool) -> std::sync::MutexGuard<'_, Printed> {
        let (lock, change) = &*self.printed;
        let printed = lock.lock().unwrap();
        change.wait_timeout_while(printed, self.patience, |printed| !come(printed)).unwrap().0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The kernel needs a moment; without it the library waits a tenth of a second.
        _ = self.process.signal(Signal::SIGKILL);
        _ = self.process.wait();
    }
}
