//! What things look like: colours, attributes and glyphs.
//!
//! Colour is never the only sign: every state is a word, and what is selected is reversed and
//! marked. Only the sixteen colours of the terminal's own palette are used, which its owner
//! has chosen to be readable. Without colours no colour is set at all: crossterm's own switch
//! for `NO_COLOR` wipes the attributes too, and with them the selected row.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

use crate::campaign::{CallWord, Disposition, RunState};

/// How to draw on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) colour: bool,
    /// Letters and signs of ASCII only.
    pub(crate) ascii: bool,
}

const ASCII_BORDER: border::Set<'_> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// Columns of a chart, from nothing to full.
const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII_BARS: [&str; 9] = [" ", ".", ".", ":", ":", "+", "+", "#", "#"];

#[expect(
    clippy::unused_self,
    reason = "a style is asked of the theme, whether or not it depends on it today"
)]
impl Theme {
    /// `NO_COLOR` (no-color.org: set and not empty) and `TERM` tell about colours; `LC_ALL`,
    /// `LC_CTYPE` and `LANG`, the first that is set, about letters.
    pub(crate) fn of_this_terminal() -> Self {
        let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let term = var("TERM").unwrap_or_default();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(var);
        Self::of(
            var("NO_COLOR").is_some(),
            &term,
            &locale.unwrap_or_default(),
        )
    }

    fn of(no_color: bool, term: &str, locale: &str) -> Self {
        let locale = locale.to_lowercase().replace('-', "");
        Self {
            colour: !no_color && !matches!(term, "vt100" | "vt102" | "vt220" | "xterm-mono"),
            ascii: !locale.contains("utf8"),
        }
    }

    fn fg(self, colour: Color) -> Style {
        if self.colour {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    pub(crate) fn good(self) -> Style {
        self.fg(Color::Green)
    }

    pub(crate) fn warn(self) -> Style {
        self.fg(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn bad(self) -> Style {
        self.fg(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn accent(self) -> Style {
        self.fg(Color::Cyan)
    }

    pub(crate) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(crate) fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A whole line that nobody may overlook.
    pub(crate) fn alarm(self) -> Style {
        self.bad().add_modifier(Modifier::REVERSED)
    }

    /// The selected row, over whatever style its cells have.
    pub(crate) fn selected(self, focused: bool) -> Style {
        if focused {
            Style::new().add_modifier(Modifier::REVERSED)
        } else {
            Style::new().add_modifier(Modifier::UNDERLINED)
        }
    }

    /// The frame of a pane.
    pub(crate) fn frame(self, focused: bool) -> Style {
        if focused {
            self.accent().add_modifier(Modifier::BOLD)
        } else {
            self.dim()
        }
    }

    pub(crate) fn state(self, state: &RunState) -> Style {
        let style = match state {
            RunState::Idle | RunState::Done => self.accent(),
            RunState::Dialing => self.good(),
            RunState::Paused(_) | RunState::Draining => self.fg(Color::Yellow),
        };
        style.add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    pub(crate) fn call(self, word: CallWord) -> Style {
        match word {
            CallWord::Dialing => self.dim(),
            CallWord::Ringing | CallWord::EarlyMedia => self.accent(),
            CallWord::Answered => self.warn(),
            CallWord::Bridged => self.good(),
            CallWord::Ending => self.fg(Color::Magenta),
        }
    }

    pub(crate) fn disposition(self, disposition: Disposition) -> Style {
        match disposition {
            Disposition::Answered => self.good(),
            Disposition::Abandoned | Disposition::Failed => self.bad(),
            Disposition::Congestion
            | Disposition::Rejected
            | Disposition::Blocked
            | Disposition::Redirected
            | Disposition::Interrupted => self.fg(Color::Yellow),
            Disposition::Busy | Disposition::NoAnswer => self.accent(),
            Disposition::InvalidNumber | Disposition::Cancelled | Disposition::Skipped => {
                self.dim()
            }
        }
    }

    pub(crate) fn border(self) -> border::Set<'static> {
        if self.ascii {
            ASCII_BORDER
        } else {
            border::PLAIN
        }
    }

    /// The glyph of a chart's column that is `eighths` full.
    pub(crate) fn bar(self, eighths: usize) -> &'static str {
        let bars = if self.ascii { ASCII_BARS } else { BARS };
        bars[eighths.min(8)]
    }

    /// What stands for being recorded.
    pub(crate) fn recording(self) -> &'static str {
        if self.ascii { "R" } else { "●" }
    }

    /// What stands before the selected row.
    pub(crate) fn marker(self) -> &'static str {
        if self.ascii { ">" } else { "▶" }
    }

    /// The done and the open part of a progress bar.
    pub(crate) fn progress(self) -> (&'static str, &'static str) {
        if self.ascii {
            ("#", ".")
        } else {
            ("█", "░")
        }
    }

    /// What separates words of one line.
    pub(crate) fn dot(self) -> &'static str {
        if self.ascii { "-" } else { "·" }
    }

    /// What stands where a text was cut.
    pub(crate) fn ellipsis(self) -> &'static str {
        if self.ascii { "~" } else { "…" }
    }

    /// Which way a column is sorted.
    pub(crate) fn arrow(self, descending: bool) -> &'static str {
        match (self.ascii, descending) {
            (true, true) => "v",
            (true, false) => "^",
            (false, true) => "▼",
            (false, false) => "▲",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surroundings_tell_what_can_be_drawn() {
        let theme = |no_color, term, locale| {
            let theme = Theme::of(no_color, term, locale);
            (theme.colour, theme.ascii)
        };
        assert_eq!(theme(false, "xterm-256color", "de_DE.UTF-8"), (true, false));
        assert_eq!(theme(false, "linux", "C.utf8"), (true, false));
        assert_eq!(theme(true, "xterm", "POSIX"), (false, true));
        assert_eq!(theme(false, "vt100", ""), (false, true));
    }

    #[test]
    fn without_colours_no_colour_is_set_and_what_matters_still_stands_out() {
        let theme = Theme {
            colour: false,
            ascii: true,
        };
        let styles = [
            theme.good(),
            theme.bad(),
            theme.alarm(),
            theme.selected(true),
            theme.state(&RunState::Dialing),
            theme.frame(true),
        ];
        assert!(styles.iter().all(|s| s.fg.is_none() && s.bg.is_none()));
        assert!(
            theme
                .selected(true)
                .add_modifier
                .contains(Modifier::REVERSED)
        );
        assert_ne!(theme.frame(true), theme.frame(false));
        assert_ne!(theme.bad(), theme.good());
    }
}
