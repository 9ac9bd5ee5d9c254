//! Headless output: one structured line an event, the call summary lines of the program
//! that Dialdeck replaces, and a summary at the end.
//!
//! A line is `<time> <event> key=value …`: the time in UTC, RFC 3339 with milliseconds; a
//! value with blanks, quotes or anything unprintable stands in double quotes with escapes,
//! so that no stranger's text can end a line or steer a terminal.

use std::fmt::{self, Display, Write as _};
use std::path::Path;

use uuid::Uuid;

use crate::campaign::{AttemptId, CallStep, CallSummary, Disposition, Notice, RunState, Time};
use crate::engine::{News, Snapshot, Told};
use crate::journal::call_id;
use crate::mirror::sql_status;
use crate::recordings::file_name;

/// What lines need beside the news.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The journal's identity, for call ids.
    pub journal: Uuid,
    /// What B is dialed at: `777@default`.
    pub target: &'a str,
    /// Where recordings go.
    pub recordings_dir: &'a Path,
    /// The recordings' format.
    pub recording_format: &'a str,
}

/// A line for something to know, ended by a line feed.
#[must_use]
pub fn info(at: Time, text: &str) -> String {
    Line::new(at).event("info").text("text", text).end()
}

/// The lines for one piece of news, each ended by a line feed.
#[must_use]
pub fn lines(news: &News, context: &Context<'_>) -> String {
    let mut line = Line::new(news.at);
    match &news.what {
        Told::Campaign(notice) => return notice_lines(news.at, notice, context),
        Told::LinkUp => line.event("link.up"),
        Told::LinkDown { why } => line.event("link.down").text("why", why),
        Told::RecordingSaved {
            attempt,
            path,
            bytes,
        } => line
            .event("recording.saved")
            .call(*attempt, context)
            .text("path", &path.display().to_string())
            .value("bytes", bytes),
        Told::RecordingDelayed { attempt, why } => line
            .event("recording.delayed")
            .call(*attempt, context)
            .text("why", why),
        Told::Command {
            by,
            command,
            outcome,
        } => line
            .event("command")
            .text("by", by)
            .text("command", command)
            .text("outcome", outcome),
        Told::Info(text) => line.event("info").text("text", text),
        Told::Warning(text) => line.event("warning").text("text", text),
    };
    line.end()
}

fn notice_lines(at: Time, notice: &Notice, context: &Context<'_>) -> String {
    let mut line = Line::new(at);
    match notice {
        Notice::State { state } => {
            line.event("state").value("state", state.word());
            if let RunState::Paused(reason) = state {
                line.text("reason", reason);
            }
        }
        Notice::Call {
            attempt,
            number,
            step,
            ..
        } => {
            line.event(step_event(*step))
                .call(*attempt, context)
                .value("number", number);
            if let CallStep::Bridged { dead_air_ms } = step {
                line.value("dead_air_ms", dead_air_ms);
            }
        }
        Notice::Ended(call) => {
            ended(&mut line, call, context);
            return line.end() + &summary_line(call, context);
        }
        Notice::RecordingFailed { attempt, why } => {
            line.event("recording.failed")
                .call(*attempt, context)
                .text("why", why);
        }
        Notice::Silent { since } => {
            line.event("asterisk.silent")
                .value("since", rfc3339(*since));
        }
        Notice::Answers { lasted } => {
            let seconds = lasted.as_secs_f64();
            line.event("asterisk.answers")
                .value("silent_seconds", format_args!("{seconds:.1}"));
        }
        Notice::Reconciled(done) => {
            line.event("reconciled")
                .value("going_on", done.going_on)
                .value("taken_over", done.taken_over)
                .value("hung_up", done.hung_up)
                .value("ended", done.ended)
                .value("strays", done.strays);
        }
        Notice::Warning(text) => {
            line.event("warning").text("text", text);
        }
    }
    line.end()
}

const fn step_event(step: CallStep) -> &'static str {
    match step {
        CallStep::Dialing => "call.dialing",
        CallStep::Ringing => "call.ringing",
        CallStep::Answered => "call.answered",
        CallStep::Bridged { .. } => "call.bridged",
        CallStep::Agent => "call.agent",
        CallStep::Withdrawn => "call.withdrawn",
    }
}

fn ended(line: &mut Line, call: &CallSummary, context: &Context<'_>) {
    line.event("call.ended")
        .call(call.attempt, context)
        .value("number", &call.number)
        .value("disposition", call.disposition)
        .value("by", call.by.as_str())
        .value("cause", call.cause.q850);
    if let Some(sip) = call.cause.sip {
        line.value("sip", sip);
    }
    if let Some(note) = call.note {
        line.text("note", note);
    }
}

/// The call summary line that people's scripts read:
/// `[<call id>] Call summary: start;number;statusA;waitA;talkA;statusB;answeredBy;waitB;talkB;recordingPath`,
/// durations in whole seconds, the start in ISO 8601 UTC.
#[must_use]
pub fn summary_line(call: &CallSummary, context: &Context<'_>) -> String {
    let id = call_id(context.journal, call.attempt);
    let end = call.ended_at;
    let wait_a = call.answered_at.unwrap_or(end).since(call.begun_at);
    let talk_a = call.answered_at.map_or(0, |at| end.since(at).as_secs());
    let wait_b = call
        .target_dialed_at
        .map_or(0, |at| call.bridged_at.unwrap_or(end).since(at).as_secs());
    let talk_b = call.bridged_at.map_or(0, |at| end.since(at).as_secs());
    let (status_b, answered_by) = match call.bridged_at {
        Some(_) => ("ANSWERED", context.target),
        None if call.cause.q850 == 17 && call.answered_at.is_some() => ("BUSY", ""),
        None => ("NO ANSWER", ""),
    };
    let recording = if call.recorded {
        let file = file_name(call.begun_at, &call.number, id, context.recording_format);
        context.recordings_dir.join(file).display().to_string()
    } else {
        String::new()
    };
    format!(
        "[{id}] Call summary: {};{};{};{};{talk_a};{status_b};{answered_by};{wait_b};{talk_b};{}\n",
        rfc3339(call.begun_at),
        call.number,
        sql_status(call.disposition, call.cause),
        wait_a.as_secs(),
        plain(&recording),
    )
}

/// The summary at the end of a headless run.
#[must_use]
pub fn summary(snapshot: &Snapshot) -> String {
    let mut text = format!(
        "\nRun {}: {}, {} leads, {} waiting\n",
        snapshot.run,
        snapshot.state.word(),
        snapshot.leads.len(),
        snapshot.leads.waiting()
    );
    let ended = Disposition::ALL.map(|d| (d, snapshot.leads.ended_as(d)));
    for (disposition, count) in ended.iter().filter(|(_, count)| *count > 0) {
        // Writing into a string can't fail.
        let _ = writeln!(text, "  {disposition:<15}{count:>8}");
    }
    let stats = &snapshot.stats;
    let ms = |share| {
        stats
            .dead_air_ms(share)
            .map_or("-".into(), |ms| ms.to_string())
    };
    let _ = writeln!(
        text,
        "Attempts {}, ASR {:.1} %, ACD {:.1} s, dead air median {} ms, p99 {} ms\n\
         Recordings {} saved, {} failed, {} still to fetch",
        stats.attempts,
        stats.asr() * 100.0,
        stats.acd().as_secs_f64(),
        ms(0.5),
        ms(0.99),
        snapshot.recordings.saved,
        stats.recordings_failed,
        snapshot.recordings.waiting,
    );
    text
}

/// A time in UTC, RFC 3339 with milliseconds.
#[must_use]
pub fn rfc3339(at: Time) -> String {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| "-".to_owned(), |t| format!("{t:.3}"))
}

/// One line that is being written.
struct Line(String);

impl Line {
    fn new(at: Time) -> Self {
        Self(rfc3339(at))
    }

    fn event(&mut self, name: &str) -> &mut Self {
        self.0.push(' ');
        self.0.push_str(name);
        self
    }

    fn call(&mut self, attempt: AttemptId, context: &Context<'_>) -> &mut Self {
        self.value("attempt", attempt)
            .value("call", call_id(context.journal, attempt))
    }

    /// A value that is known to be one word.
    fn value(&mut self, key: &str, value: impl Display) -> &mut Self {
        let _ = write!(self.0, " {key}={value}");
        self
    }

    /// Any text.
    fn text(&mut self, key: &str, value: &str) -> &mut Self {
        let _ = write!(self.0, " {key}={}", Quoted(value));
        self
    }

    fn end(&mut self) -> String {
        self.0.push('\n');
        std::mem::take(&mut self.0)
    }
}

/// A text as one harmless word or quoted string.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = !self.0.is_empty()
            && self
                .0
                .chars()
                .all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '='));
        if plain {
            return f.write_str(self.0);
        }
        write!(f, "{:?}", self.0)
    }
}

/// The same text with everything that is no plain character written out: what comes from
/// strangers can neither steer a terminal nor hide from the reader.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Those that are drawn from right to left or nowhere would let a text lie.
        let odd = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || odd {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// A path in a line of semicolons: what would break the line is written out.
fn plain(path: &str) -> String {
    let mut out = String::new();
    for c in path.chars() {
        if c.is_control() || c == ';' {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{EndedBy, HangupCause, LeadId, Number};

    fn context() -> Context<'static> {
        Context {
            journal: Uuid::from_u128(1),
            target: "777@default",
            recordings_dir: Path::new("/rec"),
            recording_format: "wav",
        }
    }

    fn call() -> CallSummary {
        let at = |s: u64| Time::from_millis(1_795_358_000_000 + s * 1000);
        CallSummary {
            attempt: AttemptId(7),
            lead: LeadId(0),
            number: Number::parse("+12025550101").expect("a number"),
            begun_at: at(0),
            answered_at: Some(at(4)),
            target_dialed_at: Some(at(4)),
            bridged_at: Some(at(6)),
            ended_at: at(16),
            disposition: Disposition::Answered,
            cause: HangupCause {
                q850: 16,
                sip: None,
            },
            by: EndedBy::Callee,
            note: None,
            dead_air_ms: Some(2000),
            recorded: false,
        }
    }

    #[test]
    fn a_call_summary_has_the_ten_fields_that_scripts_read() {
        let line = summary_line(&call(), &context());
        let (id, fields) = line.split_once("] Call summary: ").expect("the form");
        assert_eq!(id.len(), 1 + 36);
        let fields: Vec<&str> = fields.trim_end().split(';').collect();
        assert_eq!(
            fields[1..],
            [
                "+12025550101",
                "ANSWERED",
                "4",
                "12",
                "ANSWERED",
                "777@default",
                "2",
                "10",
                ""
            ]
        );
        assert!(fields[0].ends_with('Z') && fields[0].contains('T'));
    }

    #[test]
    fn an_abandoned_call_with_a_busy_target_says_so_for_b() {
        let abandoned = CallSummary {
            disposition: Disposition::Abandoned,
            bridged_at: None,
            cause: HangupCause {
                q850: 17,
                sip: None,
            },
            ..call()
        };
        let line = summary_line(&abandoned, &context());
        assert!(line.contains(";NO ANSWER;4;12;BUSY;;12;0;"), "{line}");
    }

    #[test]
    fn a_stranger_s_text_stays_on_one_line_and_harmless() {
        let news = News {
            at: Time::default(),
            what: Told::Warning("a\nb\x1b[2J\"c\"".to_owned()),
        };
        let text = lines(&news, &context());
        assert_eq!(text.matches('\n').count(), 1);
        assert!(!text.contains('\x1b'));
        assert!(
            text.ends_with("text=\"a\\nb\\u{1b}[2J\\\"c\\\"\"\n"),
            "{text}"
        );
    }
}
