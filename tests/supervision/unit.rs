//! The unit of `contrib/` under a real systemd, sandbox and all, over the shipped binary.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{SOON, needs};
use crate::support::numbers::numbers;
use crate::support::simulated::{Asterisk, lab};
use crate::support::wait::wait;

/// What this test lays over the unit. A system call that the filter forbids is answered with
/// EPERM by the unit itself, which a program may pass over; here it is the end of the process.
/// And a sign of life that stays away is noticed while a test waits.
const DROP_IN: &str = "[Service]
SystemCallErrorNumber=kill
WatchdogSec=4
StandardOutput=append:/var/lib/dialdeck/out.log
StandardError=append:/var/lib/dialdeck/out.log
";

/// A systemd with the unit in it, and a simulated Asterisk that it reaches. Both end with this.
struct Machine {
    asterisk: Asterisk,
    _folder: TempDir,
    /// Ends when its standard input does.
    script: Child,
    /// The systemd.
    init: String,
}

impl Machine {
    fn boot() -> Self {
        needs(&["systemd"]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/systemd");
        let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/dialdeck.service");
        let mut script = Command::new(script)
            .arg(folder.path())
            .args([unit, env!("CARGO_BIN_EXE_dialdeck")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script runs");
        let mut said = BufReader::new(script.stdout.take().expect("it is piped")).lines();
        let init = said.next().expect("a line").expect("text");
        let machine = Self {
            asterisk: Asterisk::start(lab()),
            _folder: folder,
            script,
            init,
        };
        wait("a systemd", SOON, || {
            let up = machine.run(&["systemctl", "is-active", "dialdeck-lab.target"]);
            up.status.success()
        });
        machine.write("/etc/systemd/system/dialdeck.service.d/test.conf", DROP_IN);
        machine.systemctl(&["daemon-reload"]);
        machine
    }

    fn run(&self, command: &[&str]) -> Output {
        let mut inside = Command::new("nsenter");
        inside
            .args(["--target", &self.init, "--root", "--wd"])
            .args(["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--"]);
        inside.args(command).output().expect("nsenter runs")
    }

    fn write(&self, path: &str, text: &str) {
        let script = r#"umask 077; mkdir -p "${0%/*}"; printf %s "$1" >"$0"
            chown --reference="${0%/*}" "$0""#;
        let done = self.run(&["sh", "-c", script, path, text]);
        assert!(done.status.success(), "{done:?}");
    }

    fn read(&self, name: &str) -> String {
        let read = self.run(&["cat", &format!("/var/lib/dialdeck/{name}")]);
        String::from_utf8_lossy(&read.stdout).into_owned()
    }

    fn systemctl(&self, args: &[&str]) {
        let done = self.run(&[&["systemctl"], args].concat());
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{args:?}: {errors}\n{}", self.told());
    }

    /// One property of the service.
    fn shows(&self, property: &str) -> String {
        let shown = self.run(&["systemctl", "show", "-P", property, "dialdeck"]);
        String::from_utf8_lossy(&shown.stdout).trim().to_owned()
    }

    /// For a test that fails: what systemd says of it, and what it said itself.
    fn told(&self) -> String {
        let status = self.run(&["systemctl", "status", "--no-pager", "--full", "dialdeck"]);
        let status = String::from_utf8_lossy(&status.stdout).into_owned();
        status + &self.read("out.log")
    }

    /// Writes `.env` and list: `80…` is called first and talks on, the others are busy.
    fn settings(&self, max_cc: u32) {
        self.write("/var/lib/dialdeck/numbers.txt", &list().join("\n"));
        self.write(
            "/var/lib/dialdeck/.env",
            &format!(
                "ARI_URL={}\nARI_USERNAME=dialdeck\nARI_PASSWORD=dialdeck\nARI_TRUNK=mytrunk\n\
                 TARGET_ENDPOINT=Local/100@lab\nOUTBOUND_NUMBER_FILE=numbers.txt\n\
                 CONTROL_ADDR=127.0.0.1:0\nDRAIN_SECONDS=3\nAUTOSTART=yes\nMAX_CC={max_cc}\n",
                self.asterisk.url()
            ),
        );
    }

    fn wait_for_log(&self, text: &str) {
        let until = Instant::now() + SOON;
        while !self.read("out.log").contains(text) {
            assert!(Instant::now() < until, "no {text}: {}", self.told());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

fn list() -> Vec<String> {
    [numbers("80", 1), numbers("83", 4), numbers("10", 20)].concat()
}

#[test]
fn a_campaign_under_the_unit_s_sandbox_needs_nothing_that_it_denies() {
    let machine = Machine::boot();
    machine.settings(1);
    // It comes back when the process has said that it is ready.
    machine.systemctl(&["start", "dialdeck"]);
    assert!(machine.read("out.log").contains("the control API listens"));
    assert_eq!(machine.shows("SubState"), "running");
    let pid = machine.shows("MainPID");
    assert_confined(&machine, &pid);
    machine.wait_for_log(" call.bridged ");
    wait("its state told", SOON, || {
        machine.shows("StatusText") == "DIALING: live calls 1, leads done 0 of 25"
    });

    let sign = machine.shows("WatchdogTimestampMonotonic");
    wait("a sign of life", SOON, || {
        machine.shows("WatchdogTimestampMonotonic") != sign
    });
    machine.settings(3);
    machine.systemctl(&["reload", "dialdeck"]);
    wait("all called, on two more places", SOON * 2, || {
        machine.asterisk.calls_placed().len() == list().len()
    });
    machine.wait_for_log(" recording.saved ");
    wait("only the first one talking", SOON, || {
        machine.shows("StatusText") == "DIALING: live calls 1, leads done 24 of 25"
    });
    assert_eq!(machine.shows("MainPID"), pid);

    let asked = Instant::now();
    machine.systemctl(&["stop", "dialdeck"]);
    let took = asked.elapsed();
    assert!(took > Duration::from_secs(3), "not drained: {took:?}");
    assert_over(&machine);
}

/// The sandbox is in force.
fn assert_confined(machine: &Machine, pid: &str) {
    let status = machine.run(&["cat", &format!("/proc/{pid}/status")]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    for line in ["Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000"] {
        assert!(status.contains(line), "no {line:?}: {status}");
    }
}

/// It ended by itself, and kept what there was to keep.
fn assert_over(machine: &Machine) {
    let told = machine.told();
    for (property, value) in [
        ("ActiveState", "inactive"),
        ("Result", "success"),
        ("ExecMainStatus", "0"),
        ("NRestarts", "0"),
    ] {
        assert_eq!(machine.shows(property), value, "{property}: {told}");
    }
    let first = told
        .lines()
        .find(|line| line.contains(" call.ended ") && line.contains(" number=8055"));
    let first = first.unwrap_or_else(|| panic!("the first call did not end: {told}"));
    assert!(
        first.contains("disposition=answered") && first.contains("by=operator"),
        "{first}"
    );
    let kept = machine.run(&["sh", "-c", "ls /var/lib/dialdeck/recordings | wc -l"]);
    assert_eq!(String::from_utf8_lossy(&kept.stdout).trim(), "5", "{told}");
    assert!(machine.asterisk.channels().is_empty());
    assert!(machine.asterisk.bridges().is_empty());
}

#[test]
fn an_engine_that_hangs_is_ended_by_the_unit_s_watchdog_and_started_anew() {
    let machine = Machine::boot();
    machine.settings(1);
    machine.systemctl(&["start", "dialdeck"]);
    machine.wait_for_log(" call.bridged ");
    let pid = machine.shows("MainPID");
    let stopped = machine.run(&["kill", "-s", "STOP", &pid]);
    assert!(stopped.status.success(), "{stopped:?}");
    wait("a successor", SOON * 2, || {
        machine.shows("NRestarts") == "1" && machine.shows("SubState") == "running"
    });
    assert_ne!(machine.shows("MainPID"), pid);
    let log = machine.told();
    assert_eq!(log.matches("the control API listens").count(), 2, "{log}");
    machine.wait_for_log(" reconciled ");
    // A conversation goes on without the process that began it, and is that of the next one.
    assert_eq!(machine.asterisk.calls_placed()[..1], numbers("80", 1));
    machine.systemctl(&["stop", "dialdeck"]);
    assert_eq!(machine.shows("Result"), "success", "{}", machine.told());
    assert!(machine.asterisk.channels().is_empty());
}
