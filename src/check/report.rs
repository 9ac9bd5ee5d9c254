//! What a check found: a table for people, JSON for programs.

use std::fmt::Write as _;

use serde::Serialize;

use crate::headless::harmless;

/// How wide the table is at most: what every terminal has.
const WIDTH: usize = 80;
/// Where its texts begin.
const INDENT: usize = 27;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Could not be looked at, since something else is wrong.
    NotChecked,
    /// Dials, but somebody should look at it.
    Warning,
    /// Has to be mended.
    Fault,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotChecked => "not checked",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }

    /// The terminal's own palette.
    const fn colour(self) -> &'static str {
        match self {
            Self::Ok => "32",
            Self::NotChecked => "2",
            Self::Warning => "33",
            Self::Fault => "31;1",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which: a word that stays the same.
    pub check: &'static str,
    /// How it stands.
    pub level: Level,
    /// What was found.
    pub fact: String,
    /// What to do about it. Every fault has one.
    pub mend: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, fact: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, fact, None)
    }

    pub(super) fn not_checked(check: &'static str, why: impl Into<String>) -> Self {
        Self::new(check, Level::NotChecked, why, None)
    }

    pub(super) fn warning(
        check: &'static str,
        fact: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self::new(check, Level::Warning, fact, Some(mend.into()))
    }

    pub(super) fn fault(
        check: &'static str,
        fact: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self::new(check, Level::Fault, fact, Some(mend.into()))
    }

    /// A fault by an error's own sentence, which has the mend behind its last colon or in its
    /// last sentence, as all of Dialdeck's have.
    pub(super) fn refused(check: &'static str, sentence: &str) -> Self {
        let sentence = sentence.trim_end_matches('.');
        let (fact, mend) = match sentence.rsplit_once(". ") {
            Some(two) => two,
            None => sentence
                .rsplit_once(": ")
                .or_else(|| sentence.rsplit_once("; "))
                .unwrap_or((sentence, "see the README's table of settings")),
        };
        Self::fault(check, fact, mend)
    }

    pub(super) fn no_more_than_a_warning(self) -> Self {
        Self {
            level: self.level.min(Level::Warning),
            ..self
        }
    }

    fn new(
        check: &'static str,
        level: Level,
        fact: impl Into<String>,
        mend: Option<String>,
    ) -> Self {
        // Much of it are strangers' words.
        Self {
            check,
            level,
            fact: harmless(&fact.into()),
            mend: mend.map(|mend| harmless(&mend)),
        }
    }
}

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// One for each thing that was looked at, and one more for each further trouble with it.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether an engine would dial with these settings.
    #[must_use]
    pub fn would_dial(&self) -> bool {
        self.findings
            .iter()
            .all(|f| matches!(f.level, Level::Ok | Level::Warning))
    }

    /// One JSON object.
    #[must_use]
    pub fn json(&self) -> String {
        let value = serde_json::json!({ "would_dial": self.would_dial(), "checks": self.findings });
        format!("{value:#}\n")
    }

    /// A table of at most 80 columns.
    #[must_use]
    pub fn table(&self, coloured: bool) -> String {
        let mut table = String::new();
        for finding in &self.findings {
            row(&mut table, finding, coloured);
        }
        let count = |level| self.findings.iter().filter(|f| f.level == level).count();
        let verdict = match (count(Level::Fault), count(Level::Warning)) {
            (0, 0) if self.would_dial() => "Ready to dial.".to_owned(),
            (0, n) if self.would_dial() => format!("Ready to dial, with {}.", many(n, "warning")),
            (n, _) => format!("Not ready to dial: {}.", many(n, "fault")),
        };
        // Writing into a string can't fail.
        let _ = writeln!(table, "\n{verdict}");
        table
    }
}

fn many(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

fn row(table: &mut String, finding: &Finding, coloured: bool) {
    let word = format!("{:<11}", finding.level.word());
    let word = if coloured {
        format!("\x1b[{}m{word}\x1b[0m", finding.level.colour())
    } else {
        word
    };
    let mut head = format!("{word}  {:<14}", finding.check);
    let mend = finding.mend.iter().map(|mend| format!("> {mend}"));
    for text in std::iter::once(finding.fact.clone()).chain(mend) {
        for line in wrapped(&text, WIDTH - INDENT) {
            let _ = writeln!(table, "{head}{line}");
            head = " ".repeat(INDENT);
        }
    }
}

/// Lines of at most `width` characters, broken at blanks where there are any.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut len = 0;
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        if len > 0 && len + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
            len = 0;
        }
        if len > 0 {
            line.push(' ');
            len += 1;
        }
        while len + word.len() > width {
            let rest = word.split_off(width - len);
            line.extend(&word);
            lines.push(std::mem::take(&mut line));
            (word, len) = (rest, 0);
        }
        len += word.len();
        line.extend(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(level: Level) -> Report {
        let long = "/a/path/without/any/blank".repeat(6);
        let mend = Some(format!("set RECORDINGS_DIR to another folder than {long}"));
        let finding = Finding::new("recordings", level, format!("the folder {long} is"), mend);
        Report {
            findings: vec![Finding::ok("settings", "all are allowed"), finding],
        }
    }

    #[test]
    fn the_table_fits_eighty_columns_whatever_is_in_it() {
        let table = report(Level::Fault).table(false);
        assert!(table.lines().all(|l| l.chars().count() <= 80), "{table}");
        let all: String = table.split_whitespace().collect();
        assert!(
            all.contains(&"/a/path/without/any/blank".repeat(6)),
            "{table}"
        );
    }

    #[test]
    fn only_faults_and_what_was_not_looked_at_speak_against_dialing() {
        assert!(report(Level::Ok).would_dial());
        assert!(report(Level::Warning).would_dial());
        assert!(!report(Level::Fault).would_dial());
        assert!(!report(Level::NotChecked).would_dial());
    }

    #[test]
    fn colours_are_words_too_and_only_where_they_are_wanted() {
        let report = report(Level::Fault);
        assert!(report.table(true).contains("\x1b[31;1mfault"));
        assert!(!report.table(false).contains('\x1b'));
    }

    #[test]
    fn a_stranger_s_words_cannot_steer_the_terminal() {
        let finding = Finding::fault("ari", "Asterisk said \x1b[2J\u{202e}", "mend\n");
        assert!(!finding.fact.contains(['\x1b', '\u{202e}']), "{finding:?}");
        assert_eq!(finding.mend.as_deref(), Some("mend\\n"));
    }

    #[test]
    fn a_sentence_is_parted_into_what_is_and_what_to_do() {
        let parts = |sentence| {
            let finding = Finding::refused("x", sentence);
            (finding.fact, finding.mend.unwrap_or_default())
        };
        let two = parts("Cannot open /x: no such file. Look at STATE_FILE.");
        assert_eq!(
            two,
            (
                "Cannot open /x: no such file".into(),
                "Look at STATE_FILE".into()
            )
        );
        let one = parts("The file /a: b is no journal: name another STATE_FILE.");
        assert_eq!(
            one,
            (
                "The file /a: b is no journal".into(),
                "name another STATE_FILE".into()
            )
        );
    }
}
