//! Who asks, for the audit.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;

/// Who gave a command, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person at the console.
    Keyboard {
        /// The login name.
        user: String,
        /// From where, if over SSH.
        ssh: Option<String>,
    },
    /// A signal, by its name.
    Signal(&'static str),
    /// A program or a person over HTTP.
    Http(SocketAddr),
    /// A person at a console that is attached over HTTP.
    Attached {
        /// The login name there, as that console says.
        user: String,
        /// From where.
        peer: SocketAddr,
    },
    /// The terminal that went away.
    Terminal,
    /// Nobody: something in the program is broken.
    Panic,
}

/// More of a name than this nobody reads.
const MAX_NAME_LEN: usize = 64;
/// Whom the environment does not name.
const NOBODY: &str = "unknown";

impl Who {
    /// Whoever sits at this process's terminal: `USER` or `LOGNAME`, or the user's number, and over SSH the address
    /// that `SSH_CONNECTION` or `SSH_CLIENT` begins with.
    #[must_use]
    pub fn keyboard_from_env() -> Self {
        let who = Self::keyboard(|name| std::env::var_os(name));
        match who {
            Self::Keyboard { user, ssh } if user == NOBODY => Self::Keyboard {
                user: format!("uid {}", rustix::process::getuid().as_raw()),
                ssh,
            },
            who => who,
        }
    }

    /// The login name of whoever sits at this process's terminal.
    #[must_use]
    pub fn user_from_env() -> String {
        match Self::keyboard_from_env() {
            Self::Keyboard { user, .. } => user,
            _ => NOBODY.to_owned(),
        }
    }

    /// Whoever sits at an attached console and says to be `user`.
    #[must_use]
    pub fn attached(user: &str, peer: SocketAddr) -> Self {
        let user = name(user).unwrap_or_else(|| NOBODY.to_owned());
        Self::Attached { user, peer }
    }

    fn keyboard(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let first = |names: [&str; 2]| {
            let values = names.into_iter().filter_map(&variable);
            let mut names = values.filter_map(|value| name(&value.to_string_lossy()));
            names.next()
        };
        Self::Keyboard {
            user: first(["USER", "LOGNAME"]).unwrap_or_else(|| NOBODY.to_owned()),
            ssh: first(["SSH_CONNECTION", "SSH_CLIENT"]),
        }
    }
}

/// The first word of what the environment says: anybody may have put anything there, and it
/// goes into the journal and on screens. `None` where nothing is left of it.
fn name(value: &str) -> Option<String> {
    let word = value.split_ascii_whitespace().next()?;
    let printable = word.chars().filter(char::is_ascii_graphic);
    let name: String = printable.take(MAX_NAME_LEN).collect();
    (!name.is_empty()).then_some(name)
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyboard { user, ssh: None } => write!(f, "keyboard {user}"),
            Self::Keyboard {
                user,
                ssh: Some(from),
            } => write!(f, "keyboard {user} (ssh {from})"),
            Self::Signal(name) => f.write_str(name),
            Self::Http(peer) => write!(f, "http {peer}"),
            Self::Attached { user, peer } => write!(f, "attach {user} from {peer}"),
            Self::Terminal => f.write_str("terminal gone"),
            Self::Panic => f.write_str("panic"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyboard(variables: &[(&str, &str)]) -> String {
        let value = |name: &str| {
            let mut all = variables.iter();
            all.find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        };
        Who::keyboard(value).to_string()
    }

    #[test]
    fn whoever_sits_at_the_keyboard_is_named_by_the_environment() {
        let ssh = ("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.1 22");
        let client = ("SSH_CLIENT", "192.0.2.8 50022 22");
        let anna = ("USER", "anna");
        assert_eq!(keyboard(&[anna]), "keyboard anna");
        assert_eq!(keyboard(&[anna, ssh]), "keyboard anna (ssh 192.0.2.7)");
        assert_eq!(
            keyboard(&[("LOGNAME", "bert"), client]),
            "keyboard bert (ssh 192.0.2.8)"
        );
        assert_eq!(keyboard(&[]), "keyboard unknown");
    }

    #[test]
    fn hostile_names_are_made_plain() {
        let long = "x".repeat(1000);
        let table = [
            ("a\x1b[2Jb c", "a[2Jb"),
            ("\u{202e}evil", "evil"),
            ("\u{e9}", "unknown"),
            ("  ", "unknown"),
            (&long, &long[..MAX_NAME_LEN]),
        ];
        for (value, expected) in table {
            let said = keyboard(&[("USER", value)]);
            assert_eq!(said, format!("keyboard {expected}"), "{value:?}");
        }
    }
}
