//! Compiling in a process of its own: a component that makes the compiler run wild takes that process with it, and no more.
//! The child gets the component on stdin and nothing else: no environment, no state, no key.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::engine;
use super::package::MAX_PACKAGE_BYTES;

/// The word that makes the program compile.
pub const COMMAND: &str = "compile-plugin";

/// Says that the parent's engine reserves little address space.
const SCARCE: &str = "--scarce";

/// How long it may take on the wall, and on all cores together: the largest packages take a minute of processor time, and a busy
/// machine makes ten of it.
const SECONDS: u64 = 600;
const CPU_SECONDS: u64 = 600;

/// What it may write to: a component with a JavaScript engine takes a gigabyte.
const MEMORY_BYTES: u64 = 4 << 30;

/// The most machine code that is taken, and the longest complaint.
const MAX_CODE_BYTES: u64 = 512 << 20;
const MAX_TEXT_BYTES: u64 = 4 << 10;

/// How often it is looked whether the child is done.
const LOOK: Duration = Duration::from_millis(5);

/// The child's part: compiles what comes in, under limits that it gives itself first. An error is a text for the parent.
pub fn serve(scarce: bool, input: impl Read, mut output: impl Write) -> Result<(), String> {
    confine().map_err(|error| format!("the limits can't be set ({error})"))?;
    let mut bytes = Vec::new();
    let read = input.take(MAX_PACKAGE_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("it can't be read ({error})"))?;
    let engine = engine::compiling(scarce).map_err(|error| format!("{error:#}"))?;
    let compiled = engine.precompile_component(&bytes).map_err(|error| format!("{error:#}"))?;
    let written = output.write_all(&compiled).and_then(|()| output.flush());
    written.map_err(|error| format!("it can't be handed back ({error})"))
}

/// No more memory and time than compiling needs, no files, no picture of it on disk.
fn confine() -> rustix::io::Result<()> {
    let limits =
        [(Resource::Data, MEMORY_BYTES), (Resource::Cpu, CPU_SECONDS), (Resource::Fsize, 0), (Resource::Core, 0)];
    limits
        .into_iter()
        .try_for_each(|(resource, most)| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }))
}

/// Compiles in a child; an error says why there is nothing.
pub(super) fn elsewhere(program: &Path, scarce: bool, component: &[u8]) -> Result<Vec<u8>, String> {
    let mut command = Command::new(program);
    command.arg(COMMAND).args(scarce.then_some(SCARCE)).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("no process can be started for it ({error})"))?;
    let code = gather(child.stdout.take(), MAX_CODE_BYTES);
    let text = gather(child.stderr.take(), MAX_TEXT_BYTES);
    let end = std::thread::scope(|scope| {
        if let Some(mut to) = child.stdin.take() {
            // A child that ends early says itself why.
            scope.spawn(move || drop(to.write_all(component)));
        }
        await_end(&mut child)
    });
    let (code, text) = (joined(code), joined(text));
    match end {
        Ok(status) if status.success() => Ok(code),
        Ok(status) => Err(complaint(status, &text)),
        Err(why) => Err(why),
    }
}

fn gather(from: Option<impl Read + Send + 'static>, most: u64) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was cut off is no machine code, and is refused as such.
        let _ = from.map(|from| from.take(most).read_to_end(&mut bytes));
        bytes
    })
}

fn joined(thread: JoinHandle<Vec<u8>>) -> Vec<u8> {
    thread.join().unwrap_or_default()
}

fn await_end(child: &mut Child) -> Result<ExitStatus, String> {
    let end = Instant::now() + Duration::from_secs(SECONDS);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < end => std::thread::sleep(LOOK),
            Ok(None) => {
                kill(child);
                return Err(format!("it takes longer than {SECONDS} s"));
            }
            Err(error) => {
                kill(child);
                return Err(format!("its process can't be watched ({error})"));
            }
        }
    }
}

fn kill(child: &mut Child) {
    // It may have ended in this very moment; either way nothing of it is left.
    let _ = child.kill();
    let _ = child.wait();
}

fn complaint(status: ExitStatus, text: &[u8]) -> String {
    if let Some(signal) = status.signal() {
        return format!(
            "the compiler was ended by signal {signal}: compiling may take {} MiB and {CPU_SECONDS} s of processor time",
            MEMORY_BYTES >> 20
        );
    }
    let text = String::from_utf8_lossy(text);
    // The first line is the reason; what follows is advice for whoever sits at a terminal.
    let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let text = crate::capability::log::clean(line, MAX_TEXT_BYTES as usize);
    if text.is_empty() { "the compiler gave no reason".to_owned() } else { text }
}
