//! Whether Asterisk knows the format of recordings, asked before anybody is called in it.
//!
//! Only a channel can be asked. It belongs to an application of its own, is never dialed, and ends
//! by itself where this process dies.

use std::time::Duration;

use super::{Engine, Message};
use crate::ari::link::Listener;
use crate::ari::{AriError, Client, Connection};
use crate::config::Settings;

/// When the channel ends, if nobody ends it before.
const LIFE_SECONDS: u32 = 15;
/// How long all of it may take; whoever cannot be asked by then does not hold up dialing.
const ASKING: Duration = Duration::from_secs(3);

/// Whom to ask.
#[derive(Clone)]
pub(super) struct FormatProbe(Client);

/// What is known of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Asked,
    Yes,
}

impl FormatProbe {
    /// With an application of this journal's own, so that two engines do not take it from each
    /// other. `None` where there is no connection, which is told elsewhere.
    pub(super) fn new(settings: &Settings, journal: &str) -> Option<Self> {
        let connection = Connection {
            app: format!("dialdeck-format-{journal}"),
            timeout: ASKING,
            ..super::start::connection(settings)
        };
        Client::new(&connection).ok().map(Self)
    }

    /// Whether it is known; also where that can't be asked.
    async fn knows(&self, format: &str) -> bool {
        let asked = tokio::time::timeout(ASKING, self.ask(format)).await;
        !matches!(asked, Ok(Ok(false)))
    }

    async fn ask(&self, format: &str) -> Result<bool, AriError> {
        let Ok(listener) = Listener::open(&self.0).await else {
            return Ok(true);
        };
        let channel = format!("{}-{}", self.0.app(), uuid::Uuid::new_v4().simple());
        let made = self.0.create_probe(&channel, LIFE_SECONDS).await;
        let known = match made {
            Ok(()) => self.0.knows_format(&channel, format).await,
            Err(error) => Err(error),
        };
        self.0.end_probe(&channel).await;
        listener.close().await;
        known
    }
}

impl Engine {
    /// Whether calls may be recorded as the settings say. Where that is not known yet, Asterisk
    /// is asked, and the link is looked at again with the answer.
    pub(super) fn format_is_known(&mut self) -> bool {
        let Some(probe) = self.format_probe.clone() else {
            return true;
        };
        let format = self.in_force.borrow().call.recordings.format.clone();
        match &self.format {
            Some((known, state)) if *known == format => return *state == Known::Yes,
            _ => self.format = Some((format.clone(), Known::Asked)),
        }
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let known = probe.knows(&format).await;
            let _ = inbox.send(Message::Format { format, known });
        });
        false
    }

    pub(super) fn format_told(&mut self, format: String, known: bool) {
        if self
            .format
            .as_ref()
            .is_none_or(|(asked, _)| *asked != format)
        {
            return;
        }
        if known {
            self.format = Some((format, Known::Yes));
            self.survey_again();
            return;
        }
        // Its module may be loaded meanwhile: it is asked again.
        self.format = None;
        if self.link_state.connected {
            self.link_is_down(&format!(
                "Asterisk knows no format {format}: set RECORDING_FORMAT to one of `core show \
                 file formats`, such as wav"
            ));
        }
    }

    /// The format of calls to come is another one: nobody is called before it is known.
    pub(super) fn format_changed(&mut self) {
        if self.link_state.ready && !self.format_is_known() {
            self.link_is_down("Asterisk is asked whether it knows the new RECORDING_FORMAT");
        }
    }
}
