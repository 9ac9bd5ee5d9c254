//! Whether the application is free to connect to.

use super::super::model::Application;

/// When the question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// The link was never up, or has lost the application to somebody else.
    First,
    /// The same, and a process of ours has died amid its calls. Asterisk may keep the application
    /// of such a process, with nobody connected and nothing in it (measured under load), for as
    /// long as anybody cares to wait; so whoever is idle is waited for, and then is our own.
    AfterCrash,
    /// The link was up and has lost its socket.
    Again,
}

/// Whether the link may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nobody else is there.
    Connect,
    /// Connecting would take the application away from somebody.
    HeldByOther,
}

/// Judges by what Asterisk says of the application, `None` being 404.
///
/// Asterisk knows an application while somebody is connected *and* while only
/// subscriptions are left over, and does not say which (measured). So on the first
/// connect a known application is ours only if it has ids and all begin with `own_prefix`;
/// without any, somebody idle is connected. After a loss of our own an empty one may be our
/// own half-dead socket, so that only a foreign id speaks against it.
#[must_use]
pub fn application_verdict(
    app: Option<&Application>,
    own_prefix: &str,
    occasion: Occasion,
) -> Verdict {
    let Some(app) = app else {
        return Verdict::Connect;
    };
    let mut ids = app.channel_ids.iter().chain(&app.bridge_ids);
    if ids.any(|id| !id.starts_with(own_prefix)) || (app.is_idle() && occasion != Occasion::Again) {
        Verdict::HeldByOther
    } else {
        Verdict::Connect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Occasion; 3] = [Occasion::First, Occasion::AfterCrash, Occasion::Again];

    fn app(channels: &[&str], bridges: &[&str]) -> Application {
        let owned = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect();
        Application {
            name: "outbound_dialer".into(),
            channel_ids: owned(channels),
            bridge_ids: owned(bridges),
            endpoint_ids: Vec::new(),
        }
    }

    #[test]
    fn an_unknown_application_is_free() {
        for occasion in ALL {
            assert_eq!(
                application_verdict(None, "dd-x-", occasion),
                Verdict::Connect
            );
        }
    }

    #[test]
    fn left_overs_of_the_own_journal_are_no_hindrance() {
        let app = app(&["dd-x-1-7-a"], &["dd-x-1-7-bridge"]);
        for occasion in ALL {
            let verdict = application_verdict(Some(&app), "dd-x-", occasion);
            assert_eq!(verdict, Verdict::Connect);
        }
    }

    #[test]
    fn a_foreign_channel_or_bridge_means_that_somebody_is_there() {
        for app in [
            app(&["dd-x-1-7-a", "1700000000.5"], &[]),
            app(&["dd-x-1-7-a"], &["dd-y-1-7-bridge"]),
        ] {
            for occasion in ALL {
                let verdict = application_verdict(Some(&app), "dd-x-", occasion);
                assert_eq!(verdict, Verdict::HeldByOther);
            }
        }
    }

    #[test]
    fn an_idle_application_is_somebody_else_at_first_and_ourselves_after_a_loss() {
        let idle = app(&[], &[]);
        let verdict = |occasion| application_verdict(Some(&idle), "dd-x-", occasion);
        assert_eq!(verdict(Occasion::First), Verdict::HeldByOther);
        assert_eq!(verdict(Occasion::AfterCrash), Verdict::HeldByOther);
        assert_eq!(verdict(Occasion::Again), Verdict::Connect);
    }
}
