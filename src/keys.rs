//! The console's keys. One table makes the dispatch, the footer, the help page and the manual.

use std::fmt::Write as _;

mod key;

pub use key::Key;
pub(crate) use key::KeyCode;
use key::{ch, ctrl, key};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Start or resume dialing.
    Start,
    /// Pause dialing.
    Pause,
    /// Drain.
    Drain,
    /// `MAX_CC` one up.
    MaxUp,
    /// `MAX_CC` one down.
    MaxDown,
    /// Type `MAX_CC`.
    MaxType,
    /// Hang up the selected call.
    HangUp,
    /// Hang up all calls.
    HangUpAll,
    /// Call the selected lead again.
    Requeue,
    /// Call those of the last streak again.
    RequeueStreak,
    /// Skip the selected lead.
    Skip,
    /// A new run.
    NewRun,
    /// The next pane.
    NextPane,
    /// The pane before.
    PreviousPane,
    /// The queue pane.
    QueuePane,
    /// The live-calls pane.
    CallsPane,
    /// The log pane.
    LogPane,
    /// Only the pane with the focus.
    Zoom,
    /// The detail of what is selected.
    Detail,
    /// Back, or nothing selected.
    Back,
    /// Filter the list.
    Filter,
    /// Sort by the column before.
    SortBefore,
    /// Sort by the next column.
    SortNext,
    /// Turn the order round.
    Invert,
    /// Follow the end of the log.
    Autoscroll,
    /// Freeze the display.
    Freeze,
    /// Hide digits.
    HideDigits,
    /// The trends.
    Trends,
    /// The audit.
    Audit,
    /// Help.
    Help,
    /// Quit.
    Quit,
    /// Draw everything anew.
    Redraw,
    /// Suspend the process.
    Suspend,
    /// One up.
    Up,
    /// One down.
    Down,
    /// Left: fewer levels in the log.
    Left,
    /// Right: more levels in the log.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the top.
    Top,
    /// To the bottom.
    Bottom,
}

/// Where the help page lists a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// What changes the campaign. None of these works with `--read-only`.
    Campaign,
    /// What is looked at.
    View,
    /// How to move.
    Move,
    /// The program itself.
    Program,
}

impl Group {
    /// All of them, in the order of the help page.
    pub const ALL: [Self; 4] = [Self::Campaign, Self::View, Self::Move, Self::Program];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Campaign => "Campaign",
            Self::View => "What is shown",
            Self::Move => "Moving",
            Self::Program => "Program",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Its name in `CONSOLE_KEYS`.
    pub name: &'static str,
    /// Its keys, unless they were remapped.
    pub keys: &'static [Key],
    /// For the footer.
    pub label: &'static str,
    /// For the help page and the manual.
    pub help: &'static str,
    /// Where it is listed.
    pub group: Group,
}

macro_rules! bindings {
    ($($action:ident $name:literal [$($key:expr),+] $group:ident $label:literal $help:literal;)*) => {
        /// The table: every key that does something.
        pub const BINDINGS: &[Binding] = &[$(Binding {
            action: Action::$action,
            name: $name,
            keys: &[$($key),+],
            label: $label,
            help: $help,
            group: Group::$group,
        }),*];
    };
}

bindings! {
    Start "start" [ch('s')] Campaign "start" "start dialing, or go on after a pause";
    Pause "pause" [ch('p')] Campaign "pause" "pause dialing: no new call is placed, those that are up go on";
    Drain "drain" [ch('d')] Campaign "drain" "drain: no new calls, IDLE when the live ones have ended (asks)";
    MaxUp "max-up" [ch('+'), ch('=')] Campaign "MAX_CC" "one call more at once";
    MaxDown "max-down" [ch('-')] Campaign "MAX_CC" "one call fewer at once; nobody is hung up";
    MaxType "max" [ch('m')] Campaign "MAX_CC" "type how many calls may be up at once";
    HangUp "hang-up" [ch('x')] Campaign "hang up" "hang up the selected call (asks)";
    HangUpAll "hang-up-all" [ch('X')] Campaign "hang up all" "hang up all calls (asks)";
    Requeue "again" [ch('r')] Campaign "call again" "call the selected lead again (asks if it was reached)";
    RequeueStreak "streak-again" [ch('R')] Campaign "call the streak again" "call those again whose refusals or dropped answers in a row paused the run (asks)";
    Skip "skip" [ch('i')] Campaign "skip" "skip the selected lead: it is not called in this run";
    NewRun "new-run" [ch('n')] Campaign "new run" "new run, at DONE: calls everybody on the list again (asks)";
    NextPane "next-pane" [key(KeyCode::Tab)] Move "pane" "the next pane";
    PreviousPane "previous-pane" [key(KeyCode::BackTab)] Move "pane" "the pane before";
    QueuePane "queue" [ch('1')] Move "queue" "the queue";
    CallsPane "calls" [ch('2')] Move "calls" "the live calls";
    LogPane "log" [ch('3')] Move "log" "the log";
    Up "up" [key(KeyCode::Up), ch('k')] Move "up" "one line up";
    Down "down" [key(KeyCode::Down), ch('j')] Move "down" "one line down";
    Left "left" [key(KeyCode::Left), ch('h')] Move "left" "in the log: less of the chosen target";
    Right "right" [key(KeyCode::Right), ch('l')] Move "right" "in the log: more of the chosen target";
    PageUp "page-up" [key(KeyCode::PageUp)] Move "page up" "a page up";
    PageDown "page-down" [key(KeyCode::PageDown)] Move "page down" "a page down";
    Top "top" [ch('g'), key(KeyCode::Home)] Move "top" "to the first line";
    Bottom "bottom" [ch('G'), key(KeyCode::End)] Move "bottom" "to the last line";
    Detail "detail" [key(KeyCode::Enter)] View "detail" "everything about the selected call or lead";
    Back "back" [key(KeyCode::Esc)] View "back" "back; in a pane: select nothing, then drop the filter";
    Zoom "zoom" [ch('z')] View "zoom" "only this pane, and back";
    Filter "filter" [ch('/')] View "filter" "filter the queue or the calls by number or word";
    SortBefore "sort-before" [ch('<')] View "sort" "sort by the column before";
    SortNext "sort-next" [ch('>')] View "sort" "sort by the next column";
    Invert "invert" [ch('I')] View "invert" "turn the order round";
    Autoscroll "autoscroll" [ch('A')] View "autoscroll" "follow the end of the log, or stand still";
    Freeze "freeze" [ch('f')] View "freeze" "freeze the display; dialing goes on";
    HideDigits "hide-digits" [ch('*')] View "hide digits" "hide the digits of numbers";
    Trends "trends" [ch('t')] View "trends" "charts of the last minutes";
    Audit "audit" [ch('a')] View "audit" "who gave which command, and what came of it";
    Help "help" [ch('?'), key(KeyCode::F(1))] Program "help" "this page";
    Quit "quit" [ch('q'), ctrl('c')] Program "quit" "quit (asks while anything lives)";
    Suspend "suspend" [ctrl('z')] Program "suspend" "suspend the program, only while no call is up";
    Redraw "redraw" [ctrl('l')] Program "redraw" "draw the screen anew";
}

/// Which keys do what, after remapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMap(Vec<(Action, Vec<Key>)>);

impl Default for KeyMap {
    fn default() -> Self {
        let map = BINDINGS.iter().map(|b| (b.action, b.keys.to_vec()));
        Self(map.collect())
    }
}

impl KeyMap {
    /// The table with what `CONSOLE_KEYS` says: `NAME=KEY` pairs separated by commas, each of
    /// which gives an action one key in the place of its own. Err is a sentence.
    pub fn with(remaps: &str) -> Result<Self, String> {
        let mut map = Self::default();
        for remap in remaps.split(',').map(str::trim).filter(|r| !r.is_empty()) {
            let (name, key) = remap
                .split_once('=')
                .ok_or_else(|| format!("{remap:?} is no NAME=KEY"))?;
            let (name, key) = (name.trim(), key.trim());
            let binding = BINDINGS
                .iter()
                .find(|b| b.name == name)
                .ok_or_else(|| format!("{name:?} is no name of a key; allowed are {}", names()))?;
            let key = Key::parse(key).ok_or_else(|| {
                format!("{key:?} is no key; allowed are one character, F1 to F12, ctrl-a to ctrl-z, space, enter, tab, home, end, pgup, pgdn, up, down, left, right, insert, delete, comma, equals")
            })?;
            for (action, keys) in &mut map.0 {
                if *action == binding.action {
                    *keys = vec![key];
                }
            }
        }
        map.check()?;
        Ok(map)
    }

    fn check(&self) -> Result<(), String> {
        for (i, (action, keys)) in self.0.iter().enumerate() {
            for (other, others) in &self.0[i + 1..] {
                if let Some(key) = keys.iter().find(|key| others.contains(key)) {
                    let (one, two) = (binding(*action).name, binding(*other).name);
                    return Err(format!("the key {key} is given to both {one} and {two}"));
                }
            }
        }
        Ok(())
    }

    /// What a key does.
    pub(crate) fn action(&self, key: Key) -> Option<Action> {
        let (action, _) = self.0.iter().find(|(_, keys)| keys.contains(&key))?;
        Some(*action)
    }

    /// The first key of an action, as the screen names it.
    pub(crate) fn name(&self, action: Action) -> String {
        self.keys(action)
            .first()
            .map(Key::to_string)
            .unwrap_or_default()
    }

    /// All keys of an action, as the help page names them.
    pub(crate) fn all(&self, action: Action) -> String {
        let names: Vec<String> = self.keys(action).iter().map(Key::to_string).collect();
        names.join(" ")
    }

    fn keys(&self, action: Action) -> &[Key] {
        self.0
            .iter()
            .find(|(a, _)| *a == action)
            .map_or(&[], |(_, keys)| keys)
    }
}

fn names() -> String {
    let names: Vec<&str> = BINDINGS.iter().map(|b| b.name).collect();
    names.join(", ")
}

/// The whole table in Markdown: what the manual shows.
#[must_use]
pub fn markdown() -> String {
    let map = KeyMap::default();
    let mut text = String::from("| key | name | |\n| --- | --- | --- |\n");
    for binding in Group::ALL
        .iter()
        .flat_map(|group| BINDINGS.iter().filter(|b| b.group == *group))
    {
        let keys = map.keys(binding.action).iter();
        let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
        let (keys, name) = (keys.join(" "), binding.name);
        // Writing into a string can't fail.
        let _ = writeln!(text, "| {keys} | `{name}` | {} |", binding.help);
    }
    text
}

/// The line of the table for an action.
///
/// # Panics
///
/// Never: a test proves that every action has a line.
pub(crate) fn binding(action: Action) -> &'static Binding {
    BINDINGS
        .iter()
        .find(|b| b.action == action)
        .expect("every action stands in the table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_stands_for_two_things_and_no_name_twice() {
        assert_eq!(KeyMap::default().check(), Ok(()));
        let mut names: Vec<&str> = BINDINGS.iter().map(|b| b.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BINDINGS.len());
    }

    #[test]
    fn the_contract_s_keys_do_what_it_says() {
        let map = KeyMap::default();
        let expected = [
            ('s', Action::Start),
            ('p', Action::Pause),
            ('d', Action::Drain),
            ('+', Action::MaxUp),
            ('-', Action::MaxDown),
            ('m', Action::MaxType),
            ('x', Action::HangUp),
            ('X', Action::HangUpAll),
            ('r', Action::Requeue),
            ('R', Action::RequeueStreak),
            ('i', Action::Skip),
            ('n', Action::NewRun),
            ('z', Action::Zoom),
            ('/', Action::Filter),
            ('<', Action::SortBefore),
            ('>', Action::SortNext),
            ('I', Action::Invert),
            ('A', Action::Autoscroll),
            ('f', Action::Freeze),
            ('*', Action::HideDigits),
            ('t', Action::Trends),
            ('a', Action::Audit),
            ('?', Action::Help),
            ('q', Action::Quit),
            ('1', Action::QueuePane),
            ('2', Action::CallsPane),
            ('3', Action::LogPane),
        ];
        for (c, action) in expected {
            assert_eq!(map.action(ch(c)), Some(action), "{c}");
        }
        assert_eq!(map.action(key(KeyCode::F(1))), Some(Action::Help));
        assert_eq!(map.action(ctrl('c')), Some(Action::Quit));
        assert_eq!(map.action(ctrl('s')), None);
    }

    #[test]
    fn a_remapped_key_takes_the_place_of_the_old_one() {
        let map = KeyMap::with(" pause = F5 , start=space").expect("a good map");
        assert_eq!(map.action(key(KeyCode::F(5))), Some(Action::Pause));
        assert_eq!(map.action(ch('p')), None);
        assert_eq!(map.name(Action::Start), "Space");
        assert_eq!(KeyMap::with(""), Ok(KeyMap::default()));
    }

    #[test]
    fn what_cannot_be_remapped_is_told_in_a_sentence() {
        let why = |text| KeyMap::with(text).expect_err("wrong");
        assert!(why("pause").contains("NAME=KEY"));
        assert!(why("paws=x").contains("\"paws\" is no name"));
        assert!(why("pause=ctrl-5").contains("\"ctrl-5\" is no key"));
        assert_eq!(
            why("pause=x"),
            "the key x is given to both pause and hang-up"
        );
    }
}
