//! Whether the application is free to connect to.

use super::super::model::Application;
use super::presence::{AppPresence, PROBE};

/// What every id that any Dialdeck makes begins with.
const ANY_DIALDECK: &str = "dd-";

/// When the question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// The link was never up, or has lost the application to somebody else.
    First,
    /// The same, and a process of ours has died amid its calls, whose socket Asterisk may still
    /// believe in: whoever is connected is waited for.
    AfterCrash,
    /// The same, and that wait is over: where nobody else's calls are, the application is ours.
    Waited,
    /// The link was up and has lost its socket: the application is ours, whatever is in it.
    Again,
}

/// Whether the link may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppVerdict {
    /// Nobody else is there.
    Connect,
    /// Only [`super::presence()`] can tell.
    Ask,
    /// A program is connected, from which connecting would take the application away.
    HeldByProgram,
    /// Another Dialdeck's calls live in it, whether that one is connected or not.
    HeldByDialdeck,
}

/// Judges by what Asterisk says of the application, `None` being 404, and by whether anybody
/// is connected.
///
/// Asterisk knows an application while somebody is connected *and* while anything is left
/// over: our own calls, or a channel that somebody else has sent there, or nothing at all but
/// a name. None of it keeps anybody from connecting; a program that is connected does, and so
/// do the channels of another Dialdeck, which counts on finding them again. Where presence
/// can't be asked (an Asterisk that moves no channels), what is not ours is taken for a
/// program's.
#[must_use]
pub fn application_verdict(
    app: Option<&Application>,
    own_prefix: &str,
    occasion: Occasion,
    presence: AppPresence,
) -> AppVerdict {
    let Some(app) = app.filter(|_| occasion != Occasion::Again) else {
        return AppVerdict::Connect;
    };
    let is_own = |id: &String| id.starts_with(own_prefix);
    if app.dialdecks(own_prefix) > 0 {
        return AppVerdict::HeldByDialdeck;
    }
    let mut ids = app.channel_ids.iter().chain(&app.bridge_ids);
    let has_own = ids.clone().any(is_own);
    if has_own && ids.all(is_own) || presence == AppPresence::Nobody {
        return AppVerdict::Connect;
    }
    if occasion == Occasion::Waited && (has_own || app.is_idle()) {
        return AppVerdict::Connect;
    }
    match presence {
        AppPresence::NotAsked => AppVerdict::Ask,
        _ => AppVerdict::HeldByProgram,
    }
}

impl Application {
    /// How many channels of other Dialdecks live in it: of journals other than the one whose
    /// ids begin with `own_prefix`.
    #[must_use]
    pub fn dialdecks(&self, own_prefix: &str) -> usize {
        let others = self.channel_ids.iter().filter(|id| {
            id.starts_with(ANY_DIALDECK) && !id.starts_with(own_prefix) && !id.starts_with(PROBE)
        });
        others.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Occasion; 4] = [
        Occasion::First,
        Occasion::AfterCrash,
        Occasion::Waited,
        Occasion::Again,
    ];
    const EVER: [AppPresence; 4] = [
        AppPresence::NotAsked,
        AppPresence::Nobody,
        AppPresence::Somebody,
        AppPresence::Unknown,
    ];

    fn app(channels: &[&str], bridges: &[&str]) -> Application {
        let owned = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
        Application {
            name: "outbound_dialer".into(),
            channel_ids: owned(channels),
            bridge_ids: owned(bridges),
            endpoint_ids: Vec::new(),
        }
    }

    fn verdict(app: &Application, occasion: Occasion, presence: AppPresence) -> AppVerdict {
        application_verdict(Some(app), "dd-x-", occasion, presence)
    }

    /// What is left over when a stray has been there.
    fn left_overs() -> [Application; 4] {
        [
            app(&[], &[]),
            app(&["1700000000.5"], &[]),
            app(&["dd-x-1-7-a", "1700000000.5"], &["dd-x-1-7-bridge"]),
            app(&["dd-x-1-7-a"], &["dd-y-1-7-bridge"]),
        ]
    }

    #[test]
    fn an_unknown_application_is_free() {
        for occasion in ALL {
            for presence in EVER {
                let verdict = application_verdict(None, "dd-x-", occasion, presence);
                assert_eq!(verdict, AppVerdict::Connect);
            }
        }
    }

    #[test]
    fn left_overs_of_the_own_journal_are_no_hindrance_and_nobody_is_asked() {
        let app = app(&["dd-x-1-7-a"], &["dd-x-1-7-bridge"]);
        for occasion in ALL {
            for presence in EVER {
                assert_eq!(verdict(&app, occasion, presence), AppVerdict::Connect);
            }
        }
    }

    #[test]
    fn what_is_left_over_is_no_hindrance_where_nobody_is_connected() {
        for app in left_overs() {
            for occasion in [Occasion::First, Occasion::AfterCrash] {
                let first = verdict(&app, occasion, AppPresence::NotAsked);
                assert_eq!(first, AppVerdict::Ask);
                let told = |presence| verdict(&app, occasion, presence);
                assert_eq!(told(AppPresence::Nobody), AppVerdict::Connect);
                assert_eq!(told(AppPresence::Somebody), AppVerdict::HeldByProgram);
                assert_eq!(told(AppPresence::Unknown), AppVerdict::HeldByProgram);
            }
        }
    }

    #[test]
    fn after_a_loss_of_its_own_nothing_in_the_application_is_a_hindrance() {
        for app in left_overs().iter().chain(&[app(&["dd-y-1-7-a"], &[])]) {
            for presence in EVER {
                let verdict = verdict(app, Occasion::Again, presence);
                assert_eq!(verdict, AppVerdict::Connect);
            }
        }
    }

    #[test]
    fn the_living_calls_of_another_dialdeck_hold_it_whoever_is_connected() {
        for app in [
            app(&["dd-y-1-7-a"], &[]),
            app(&["dd-x-1-7-a", "dd-y-1-7-a"], &[]),
        ] {
            for presence in EVER {
                let verdict = verdict(&app, Occasion::First, presence);
                assert_eq!(verdict, AppVerdict::HeldByDialdeck);
            }
        }
    }

    #[test]
    fn somebody_who_only_asks_is_no_other_dialdeck() {
        let app = app(&["dd-probe-1", "dd-x-1-7-a"], &[]);
        let verdict = |presence| verdict(&app, Occasion::First, presence);
        assert_eq!(verdict(AppPresence::NotAsked), AppVerdict::Ask);
        assert_eq!(verdict(AppPresence::Nobody), AppVerdict::Connect);
    }

    #[test]
    fn after_a_crash_whoever_is_connected_was_ourselves_once_it_was_waited_for() {
        for (app, expected) in [
            (app(&[], &[]), AppVerdict::Connect),
            (
                app(&["dd-x-1-7-a", "1700000000.5"], &[]),
                AppVerdict::Connect,
            ),
            (app(&["1700000000.5"], &[]), AppVerdict::HeldByProgram),
        ] {
            let waited = verdict(&app, Occasion::Waited, AppPresence::Somebody);
            assert_eq!(waited, expected);
        }
    }
}
