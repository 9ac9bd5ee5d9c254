//! What new settings change in a running engine, in words.

use std::fmt::Display;
use std::time::Duration;

use crate::campaign::CallSettings;
use crate::config::{ListSource, OnHangup, OnInterrupted, Settings};

/// What is said of a list that the present run does not belong to.
pub(super) const ANOTHER_LIST: &str = "names another list";

/// What [`between`] found.
#[derive(Debug)]
pub(super) struct SettingsDifference {
    /// What holds from now on: of the new settings what may change, of the old ones the rest.
    pub(super) settings: Settings,
    pub(super) changed: Vec<String>,
    pub(super) ignored: Vec<String>,
}

/// Compares the settings by which the engine runs with those that were read.
pub(super) fn between(running: &Settings, new: &Settings) -> SettingsDifference {
    let mut changed = Vec::new();
    of_dialing(running, new, &mut changed);
    of_the_target(running, new, &mut changed);
    of_recordings(running, new, &mut changed);
    of_the_process(running, new, &mut changed);
    SettingsDifference {
        settings: mixed(running, new),
        changed,
        ignored: ignored(running, new),
    }
}

/// The one place that says what may change.
fn mixed(running: &Settings, new: &Settings) -> Settings {
    Settings {
        max_cc: new.max_cc,
        call: CallSettings {
            trunk: running.call.trunk.clone(),
            ..new.call.clone()
        },
        pause_after: new.pause_after,
        region: new.region,
        start_again_after: new.start_again_after,
        on_interrupted: new.on_interrupted,
        on_hangup: new.on_hangup,
        drain: new.drain,
        give_up: new.give_up,
        ..running.clone()
    }
}

fn of_dialing(running: &Settings, new: &Settings, said: &mut Vec<String>) {
    let mut note = |name, differs, is: String| note(said, name, differs, &is);
    note(
        "MAX_CC",
        running.max_cc != new.max_cc,
        new.max_cc.to_string(),
    );
    note(
        "CALL_TIMEOUT",
        running.call.call_timeout != new.call.call_timeout,
        seconds(new.call.call_timeout),
    );
    note(
        "MAX_CALL_SECONDS",
        running.call.max_call != new.call.max_call,
        new.call
            .max_call
            .map_or_else(|| "not set".to_owned(), seconds),
    );
    let (old, pause_after) = (running.pause_after, new.pause_after);
    note(
        "PAUSE_AFTER_REFUSALS",
        old.refusals != pause_after.refusals,
        pause_after.refusals.to_string(),
    );
    note(
        "PAUSE_AFTER_ABANDONED",
        old.abandoned != pause_after.abandoned,
        pause_after.abandoned.to_string(),
    );
    note(
        "CALLER_ID",
        running.call.caller_id != new.call.caller_id,
        or(new.call.caller_id.as_ref(), "the trunk's own"),
    );
    note(
        "DEFAULT_REGION",
        running.region != new.region,
        or(new.region.as_ref(), "not set"),
    );
}

fn of_the_target(running: &Settings, new: &Settings, said: &mut Vec<String>) {
    let (old, target) = (&running.call.target, &new.call.target);
    let mut note = |name, differs, is: String| note(said, name, differs, &is);
    note(
        "the target",
        old.endpoint != target.endpoint,
        target.endpoint.clone(),
    );
    note(
        "TARGET_TIMEOUT",
        old.timeout != target.timeout,
        seconds(target.timeout),
    );
    note(
        "STAGE_TARGET",
        old.staged != target.staged,
        yes_or_no(target.staged),
    );
    note(
        "MOH_CLASS",
        old.moh_class != target.moh_class,
        or(target.moh_class.as_ref(), "not set"),
    );
}

fn of_recordings(running: &Settings, new: &Settings, said: &mut Vec<String>) {
    let (old, recordings) = (&running.call.recordings, &new.call.recordings);
    let mut note = |name, differs, is: String| note(said, name, differs, &is);
    note(
        "RECORDINGS_DIR",
        old.dir != recordings.dir,
        recordings.dir.display().to_string(),
    );
    note(
        "RECORDING_FORMAT",
        old.format != recordings.format,
        recordings.format.clone(),
    );
    note(
        "KEEP_ON_ASTERISK",
        old.keep_on_asterisk != recordings.keep_on_asterisk,
        yes_or_no(recordings.keep_on_asterisk),
    );
}

fn of_the_process(running: &Settings, new: &Settings, said: &mut Vec<String>) {
    let mut note = |name, differs, is: String| note(said, name, differs, &is);
    let interrupted = match new.on_interrupted {
        OnInterrupted::Skip => "skip",
        OnInterrupted::Retry => "retry",
    };
    let hangup = match new.on_hangup {
        OnHangup::Continue => "continue",
        OnHangup::Drain => "drain",
    };
    note(
        "START_AGAIN_AFTER",
        running.start_again_after != new.start_again_after,
        new.start_again_after
            .map_or_else(|| "never".to_owned(), seconds),
    );
    note(
        "ON_INTERRUPTED",
        running.on_interrupted != new.on_interrupted,
        interrupted.to_owned(),
    );
    note(
        "ON_HANGUP",
        running.on_hangup != new.on_hangup,
        hangup.to_owned(),
    );
    note(
        "DRAIN_SECONDS",
        running.drain != new.drain,
        seconds(new.drain),
    );
    note(
        "GIVE_UP_SECONDS",
        running.give_up != new.give_up,
        seconds(new.give_up),
    );
}

/// What differs and can't be taken over, by the variables' names. Their values are not
/// told: some are secret.
fn ignored(running: &Settings, new: &Settings) -> Vec<String> {
    let (ari, control) = (&running.ari, &running.control);
    let kept = [
        ("ARI_URL", ari.url != new.ari.url),
        ("ARI_USERNAME", ari.username != new.ari.username),
        ("ARI_PASSWORD", ari.password != new.ari.password),
        ("ARI_CA_FILE", ari.ca != new.ari.ca),
        ("STASIS_APP", ari.app != new.ari.app),
        ("ARI_TRUNK", running.call.trunk != new.call.trunk),
        ("STATE_FILE", running.state_file != new.state_file),
        ("AUTOSTART", running.autostart != new.autostart),
        ("LOG_FILE", running.log_file != new.log_file),
        ("LOG_FORMAT", running.log.format != new.log.format),
        ("LOG_MAX_MB", running.log.max_bytes != new.log.max_bytes),
        ("LOG_KEEP", running.log.keep != new.log.keep),
        ("CONSOLE_KEYS", running.keys != new.keys),
        ("CONTROL_ADDR", control.addr != new.control.addr),
        ("CONTROL_TOKEN", control.token != new.control.token),
    ];
    let names = kept.into_iter().filter(|(_, differs)| *differs);
    let mut ignored: Vec<String> = names
        .map(|(name, _)| at_the_next_start(name))
        .chain(of_mysql(running, new).into_iter().map(at_the_next_start))
        .collect();
    if running.list != new.list {
        let name = match new.list {
            ListSource::File(_) => "OUTBOUND_NUMBER_FILE",
            ListSource::One(_) => "OUTBOUND_NUMBER",
        };
        ignored.push(format!("{name} {ANOTHER_LIST}: the next new run dials it"));
    }
    ignored
}

fn of_mysql(running: &Settings, new: &Settings) -> Vec<&'static str> {
    match (&running.mysql, &new.mysql) {
        (Some(old), Some(new)) => [
            ("MYSQL_HOST", old.host != new.host),
            ("MYSQL_PORT", old.port != new.port),
            ("MYSQL_USER", old.user != new.user),
            ("MYSQL_PASSWORD", old.password != new.password),
            ("MYSQL_DATABASE", old.database != new.database),
            ("MYSQL_TABLE", old.table != new.table),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect(),
        (None, None) => Vec::new(),
        // Host, user and database switch the copy on, together.
        _ => vec!["MYSQL_HOST"],
    }
}

fn note(said: &mut Vec<String>, name: &str, differs: bool, is: &str) {
    if differs {
        said.push(format!("{name} is {is}"));
    }
}

fn at_the_next_start(name: &str) -> String {
    format!("{name} changes at the next start of the process")
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn or(value: Option<&impl Display>, unset: &str) -> String {
    value.map_or_else(|| unset.to_owned(), ToString::to_string)
}
