//! Command lines of an attacker in the pretended shell, typed and as `sh -c`.

#![no_main]

use std::sync::{Arc, LazyLock};

use base::{Env, Timestamp};
use libfuzzer_sys::fuzz_target;
use trap::persona::Persona;
use trap::shell::{Shell, fs::Vfs};

static PERSONA: LazyLock<Persona> = LazyLock::new(|| Persona::from_text("fuzz", &[]));
/// A session may type on; what one line answers is bounded by the shell itself.
const LINES: usize = 16;
const LONGEST_ANSWER: usize = 4 << 20;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for host in [&PERSONA.server, &PERSONA.router] {
        let (env, _clock) = Env::fixed(Timestamp::from_micros(1_767_225_600_000_000), 1);
        let mut shell = Shell::new(Vfs::new(Arc::clone(host)), Arc::clone(host), "root", true, env.clone());
        for line in text.split('\n').take(LINES) {
            let output = shell.line(line);
            assert!(output.text.len() <= LONGEST_ANSWER, "{} bytes of answer", output.text.len());
            let _prompt = shell.prompt();
            if output.exit.is_some() {
                break;
            }
        }
        let _files = shell.finish();
        let mut once = Shell::new(Vfs::new(Arc::clone(host)), Arc::clone(host), "root", false, env);
        assert!(once.exec(&text, bytes).exit.is_some());
    }
});
