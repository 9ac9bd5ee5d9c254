//! Headless output: one structured line an event, the call summary lines of the program
//! that Dialdeck replaces, and a summary at the end.
//!
//! A line is `<time> <event> key=value …`: the time in UTC, RFC 3339 with milliseconds; a
//! value with blanks, quotes or anything unprintable stands in double quotes with escapes,
//! so that no stranger's text can end a line or steer a terminal. With `LOG_FORMAT=json`
//! the same things are one JSON object a line.

mod line;

use std::fmt::Write as _;
use std::path::Path;

use uuid::Uuid;

use crate::campaign::{CallStep, CallSummary, Disposition, Notice, RunState, Time, kept_words};
use crate::config::LogFormat;
use crate::engine::{News, Snapshot, Told};
use crate::journal::call_id;
use crate::mirror::sql_status;
use crate::recordings::file_name;
use line::{LineBuilder, LineLevel};

/// What lines need beside the news.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// For people or for programs.
    pub format: LogFormat,
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
pub fn info(format: LogFormat, at: Time, text: &str) -> String {
    LineBuilder::new(format, at)
        .event("info")
        .text("text", text)
        .end()
}

/// A line for a bug, ended by a line feed.
#[must_use]
pub fn panic(format: LogFormat, at: Time, text: &str) -> String {
    let mut line = LineBuilder::new(format, at);
    line.level(LineLevel::Error)
        .event("panic")
        .text("text", text)
        .end()
}

/// The lines for one piece of news, each ended by a line feed.
#[must_use]
pub fn lines(news: &News, context: &Context<'_>) -> String {
    let mut line = LineBuilder::new(context.format, news.at);
    match &news.what {
        Told::Campaign(notice) => return notice_lines(news.at, notice, context),
        Told::LinkUp => line.event("link.up"),
        Told::LinkDown { why } => line
            .level(LineLevel::Warning)
            .event("link.down")
            .text("why", why),
        Told::RecordingSaved {
            attempt,
            path,
            bytes,
        } => line
            .event("recording.saved")
            .call(*attempt, context)
            .text("path", &path.display().to_string())
            .count("bytes", *bytes),
        Told::RecordingDelayed { attempt, why } => line
            .level(LineLevel::Warning)
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
        Told::Warning(text) => line
            .level(LineLevel::Warning)
            .event("warning")
            .text("text", text),
    };
    line.end()
}

fn notice_lines(at: Time, notice: &Notice, context: &Context<'_>) -> String {
    let mut line = LineBuilder::new(context.format, at);
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
                line.count("dead_air_ms", *dead_air_ms);
            }
        }
        Notice::Ended(call) => {
            ended(&mut line, call, context);
            return line.beside("summary", &summary_line(call, context));
        }
        Notice::Transferred {
            attempt,
            number,
            by,
            to,
            ..
        } => {
            line.event("call.transferred")
                .call(*attempt, context)
                .value("number", number)
                .text("by", &by.to_string())
                .text("to", to);
        }
        Notice::RecordingFailed { attempt, why } => {
            line.level(LineLevel::Warning)
                .event("recording.failed")
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
                .value("awaited", done.awaited)
                .value("ended", done.ended)
                .value("strays", done.strays);
        }
        Notice::Kept {
            attempt,
            part,
            holds_slot,
        } => {
            line.level(LineLevel::Warning)
                .event("asterisk.keeps")
                .call(*attempt, context)
                .text("part", &part.to_string())
                .value("holds_slot", holds_slot)
                .text("why", kept_words(*holds_slot));
        }
        Notice::Warning(text) => {
            line.level(LineLevel::Warning)
                .event("warning")
                .text("text", text);
        }
    }
    line.end()
}

const fn step_event(step: CallStep) -> &'static str {
    match step {
        CallStep::Dialing => "call.dialing",
        CallStep::Ringing => "call.ringing",
        CallStep::EarlyMedia => "call.early_media",
        CallStep::Answered => "call.answered",
        CallStep::Bridged { .. } => "call.bridged",
        CallStep::Agent => "call.agent",
        CallStep::Withdrawn => "call.withdrawn",
    }
}

fn ended(line: &mut LineBuilder, call: &CallSummary, context: &Context<'_>) {
    line.event("call.ended")
        .call(call.attempt, context)
        .value("number", &call.number)
        .value("disposition", call.disposition)
        .text("by", call.by.as_str())
        .count("cause", call.cause.q850);
    if let Some(sip) = call.cause.sip {
        line.count("sip", sip);
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
pub fn summary(format: LogFormat, snapshot: &Snapshot) -> String {
    match format {
        LogFormat::Human => summary_for_people(snapshot),
        LogFormat::Json => summary_object(snapshot),
    }
}

fn summary_object(snapshot: &Snapshot) -> String {
    let mut line = LineBuilder::new(LogFormat::Json, snapshot.at);
    let stats = &snapshot.stats;
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    line.event("summary")
        .count("run", snapshot.run.0)
        .value("state", snapshot.state.word())
        .count("leads", wide(snapshot.leads.len()))
        .count("waiting", wide(snapshot.leads.waiting()))
        .count("attempts", stats.attempts)
        .count("recordings_saved", snapshot.recordings.saved);
    for disposition in Disposition::ALL {
        line.count(disposition.as_str(), snapshot.leads.ended_as(disposition));
    }
    line.end()
}

fn summary_for_people(snapshot: &Snapshot) -> String {
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

/// The same text with everything that is no plain character written out: what comes from
/// strangers can neither steer a terminal nor hide from the reader.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_odd(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Drawn from right to left, or nowhere: such a character would let a text lie.
const fn is_odd(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
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
    use crate::campaign::{AttemptId, EndedBy, HangupCause, LeadId, Number};

    fn context() -> Context<'static> {
        Context {
            format: LogFormat::Human,
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
            inherited: false,
            settings: crate::campaign::call_settings().into(),
            begun_at: at(0),
            ringing_at: None,
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

    #[test]
    fn a_json_line_is_one_object_whatever_strangers_wrote() {
        let json = Context {
            format: LogFormat::Json,
            ..context()
        };
        let news = News {
            at: Time::from_millis(1_795_358_000_000),
            what: Told::Warning("a\nb\x1b[2J\"c\"\u{9b}\u{202e}".to_owned()),
        };
        let text = lines(&news, &json);
        assert_eq!(text.matches('\n').count(), 1);
        assert!(!text.contains(['\x1b', '\u{9b}', '\u{202e}']), "{text}");
        let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(object["level"], "warning");
        assert_eq!(object["target"], "dialdeck");
        assert_eq!(object["event"], "warning");
        assert_eq!(object["text"], "a\nb\x1b[2J\"c\"\u{9b}\u{202e}");
        assert!(
            object["time"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
    }

    #[test]
    fn an_ended_call_is_one_json_object_with_its_summary() {
        let json = Context {
            format: LogFormat::Json,
            ..context()
        };
        let news = News {
            at: call().ended_at,
            what: Told::Campaign(Notice::Ended(Box::new(call()))),
        };
        let text = lines(&news, &json);
        let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(object["number"], "+12025550101");
        assert_eq!(
            (&object["attempt"], &object["cause"]),
            (&7.into(), &16.into())
        );
        let summary = object["summary"].as_str().expect("a text");
        assert_eq!(summary, summary_line(&call(), &json).trim_end());
    }
}
