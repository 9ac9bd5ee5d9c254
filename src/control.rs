//! What people and programs may ask of a running engine, who asked, and how it is asked.
//!
//! Keyboard, HTTP and signals all speak through [`Control`]; there is no other way in.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::campaign::{self, LeadId, Numbers, Outcome};
use crate::engine::{Detail, Request};

/// What may be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Something for the campaign.
    Campaign(campaign::Command),
    /// At DONE: a new run over the list as it stands, which calls everybody on it again.
    NewRun,
    /// End the process: drain first.
    Quit,
    /// End the process: hang up everything now.
    QuitNow,
}

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
    /// The terminal that went away.
    Terminal,
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
            Self::Terminal => f.write_str("terminal gone"),
        }
    }
}

/// Gives the list as it stands now, or says in a sentence why it can't. Blocks.
pub type ReadList = Arc<dyn Fn() -> Result<Numbers, String> + Send + Sync>;

/// The way in to a running engine. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    requests: mpsc::Sender<Request>,
    read_list: ReadList,
}

impl Control {
    /// To the engine at the other end of `requests`.
    #[must_use]
    pub fn new(requests: mpsc::Sender<Request>, read_list: ReadList) -> Self {
        Self {
            requests,
            read_list,
        }
    }

    /// Gives a command and waits for what comes of it: a sentence either way.
    pub async fn give(&self, command: Command, who: &Who) -> Outcome {
        let _ = (&self.read_list, command, who);
        Err("not yet".to_owned())
    }

    /// All there is to know of a lead.
    pub async fn detail(&self, lead: LeadId) -> Option<Box<Detail>> {
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(Request::Detail { lead, reply })
            .await
            .ok()?;
        answer.await.ok()?
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}
