//! The shipped binary in a folder of its own.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::screen::Screen;

/// A working directory with `.env` and list, and the binary to run in it.
pub(crate) struct Deck {
    dir: TempDir,
    vars: BTreeMap<String, String>,
    /// A process whose mounts the binary sees.
    inside: Option<u32>,
}

/// A process that has ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A process that runs. It is killed when this is dropped.
pub(crate) struct Running {
    child: Option<Child>,
    dir: PathBuf,
}

impl Deck {
    /// With these settings as the beginning of its `.env`.
    pub(crate) fn new(env: &HashMap<String, String>) -> Self {
        let mut vars: BTreeMap<_, _> = env.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        // Many decks run side by side: each gets a port of its own, which its log tells.
        vars.entry("CONTROL_ADDR".to_owned())
            .or_insert_with(|| "127.0.0.1:0".to_owned());
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self {
            dir,
            vars,
            inside: None,
        }
    }

    /// On a simulated Asterisk at `url`, with a target that answers and stays.
    pub(crate) fn on(url: &str) -> Self {
        Self::new(&HashMap::new())
            .set("ARI_URL", url)
            .set("ARI_USERNAME", "dialdeck")
            .set("ARI_PASSWORD", "dialdeck")
            .set("ARI_TRUNK", "mytrunk")
            .set("TARGET_ENDPOINT", "Local/100@lab")
    }

    /// From now on the binary sees the disks that the process `pid` sees.
    pub(crate) fn see_mounts_of(&mut self, pid: u32) {
        self.inside = Some(pid);
    }

    pub(crate) fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.change(name, value);
        self
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers have numbers and literals, which a reference would only clutter"
    )]
    pub(crate) fn change(&mut self, name: &str, value: impl ToString) {
        self.vars.insert(name.to_owned(), value.to_string());
    }

    pub(crate) fn set_all<V: ToString>(mut self, settings: &[(&str, V)]) -> Self {
        for (name, value) in settings {
            self.change(name, value.to_string());
        }
        self
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.vars.remove(name);
        self
    }

    /// Writes the list and makes it the one that is dialed.
    pub(crate) fn list<S: AsRef<str>>(&mut self, numbers: impl IntoIterator<Item = S>) {
        let mut text = String::new();
        for number in numbers {
            writeln!(text, "{}", number.as_ref()).expect("a string takes it");
        }
        fs::write(self.path("numbers.txt"), text).expect("the folder is ours");
        self.change("OUTBOUND_NUMBER_FILE", "numbers.txt");
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn recordings(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path("recordings")) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = entries.map(|e| e.expect("readable").path()).collect();
        files.sort();
        files
    }

    /// Writes `.env`, for a process that runs to read it again.
    pub(crate) fn write_env(&self) {
        let mut text = String::new();
        for (name, value) in &self.vars {
            writeln!(text, "{name}={value}").expect("a string takes it");
        }
        fs::write(self.path(".env"), text).expect("the folder is ours");
    }

    /// The binary with `args`, in the folder, without the settings of whoever runs the tests.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.write_env();
        let mut command = self.binary();
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    fn binary(&self) -> Command {
        const BINARY: &str = env!("CARGO_BIN_EXE_dialdeck");
        let Some(pid) = self.inside else {
            return Command::new(BINARY);
        };
        // The folder of before is the one under the mounts: the shell goes there anew. Each
        // becomes the next, so the process id stays.
        let mut command = Command::new("/usr/bin/nsenter");
        command
            .args(["--mount", "--target", &pid.to_string(), "--"])
            .args(["/bin/sh", "-c", "cd \"$0\" && exec \"$@\""])
            .arg(self.dir.path())
            .arg(BINARY);
        command
    }

    /// Runs it to its end, which must come within three minutes.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.spawn(args).wait(Duration::from_secs(180))
    }

    /// Dials the whole list and expects that to go well.
    pub(crate) fn dial(&self) -> Ended {
        let ended = self.run(&["--headless", "--start", "--exit-when-done"]);
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
        ended
    }

    /// Starts it and goes on; its output goes to the files `stdout` and `stderr`.
    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        let file = |name| fs::File::create(self.path(name)).expect("the folder is ours");
        let child = self
            .command(args)
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("the binary runs");
        Running {
            child: Some(child),
            dir: self.dir.path().to_owned(),
        }
    }

    /// Starts it in a terminal.
    pub(crate) fn open(&self, args: &[&str], rows: u16, cols: u16) -> Screen {
        Screen::open(&self.command(args), rows, cols)
    }

    /// The report, one map a lead, in the order of the list.
    pub(crate) fn report(&self) -> Vec<BTreeMap<String, Value>> {
        let ended = self.run(&["report", "--format", "json"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        serde_json::from_str(&ended.stdout).expect("the report is JSON")
    }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.dir.join("stdout")).expect("its output is text")
    }

    /// Waits until its output has `text`.
    pub(crate) fn wait_for(&self, text: &str, within: Duration) {
        self.wait_until(&format!("{text:?}"), within, |out| out.contains(text));
    }

    /// Waits until `done` of its output.
    pub(crate) fn wait_until(&self, what: &str, within: Duration, done: impl Fn(&str) -> bool) {
        let until = Instant::now() + within;
        while !done(&self.stdout()) {
            assert!(Instant::now() < until, "no {what} in\n{}", self.stdout());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where its control API listens, once it does: `http://127.0.0.1:40123`.
    pub(crate) fn api(&self) -> String {
        let said = "the control API listens on ";
        self.wait_for(said, Duration::from_secs(20));
        let stdout = self.stdout();
        let at = stdout.find(said).expect("it was said") + said.len();
        let rest = stdout[at..].split('"').next();
        rest.expect("there is a first piece").to_owned()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
        if name == "STOP" {
            let until = Instant::now() + Duration::from_secs(20);
            while !self.has_stopped() {
                assert!(Instant::now() < until, "it does not stop");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Whether it has stopped whole: `kill` is back before each of its threads has.
    fn has_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs");
        threads.flatten().all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // Behind the program's name, in brackets.
            let fields = stat.rsplit_once(") ").map(|(_, fields)| fields);
            fields.is_none_or(|fields| fields.starts_with('T'))
        })
    }

    /// Tells it to end without waiting for its calls: SIGTERM twice. The first is carried out
    /// before the second is sent, for two that wait are one to the kernel.
    pub(crate) fn stop_now(&self) {
        self.signal("TERM");
        self.wait_for("by=SIGTERM", Duration::from_secs(20));
        self.signal("TERM");
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().expect("it is waited for once");
        child.try_wait().expect("it is ours").is_some()
    }

    /// `kill -9`, and it is gone.
    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
    }

    pub(crate) fn wait(mut self, within: Duration) -> Ended {
        let until = Instant::now() + within;
        let mut child = self.child.take().expect("it runs");
        let status = loop {
            if let Some(status) = child.try_wait().expect("it is ours") {
                break status;
            }
            if Instant::now() >= until {
                child.kill().expect("it is ours");
                child.wait().expect("it is ours");
                panic!("still running after {within:?}:\n{}", self.stdout());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        Ended {
            code: status.code(),
            stdout: self.stdout(),
            stderr: fs::read_to_string(self.dir.join("stderr")).expect("its errors are text"),
        }
    }
}

impl Running {
    /// For a test that fails: whether it still ran, and all it said.
    #[expect(clippy::print_stderr, reason = "it is shown with the test's panic")]
    fn tell(&self, ended: Option<ExitStatus>) {
        let said = |name| fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        eprintln!(
            "it had ended: {ended:?}\n{}\n{}",
            said("stdout"),
            said("stderr")
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let ended = child.try_wait().unwrap_or_default();
            let _ = child.kill();
            let _ = child.wait();
            if std::thread::panicking() {
                self.tell(ended);
            }
        }
    }
}
