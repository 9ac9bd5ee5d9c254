//! The event stream, and what is done when it is lost and when it is back.

use std::time::Duration;

use super::ending::FinalSurvey;
use super::requests::{Look, Survey};
use super::translate::translate;
use super::{Engine, Message, Told};
use crate::ari::link::LinkEvent;
use crate::ari::{AriError, EventKind};
use crate::campaign::{Input, Time};

/// How often what lives in Asterisk is compared with what is known.
const SURVEY_EVERY: Duration = Duration::from_secs(30);
/// How soon a survey that failed, or found no trunk, is made again; and how often Asterisk is
/// asked while no event tells anything.
const SURVEY_AGAIN: Duration = Duration::from_secs(2);

/// The state of the event stream, as the engine acts upon it.
pub(super) struct LinkState {
    /// Counts connections, so that a survey of an earlier one is told from one of this.
    pub(super) connection: u64,
    pub(super) connected: bool,
    /// The campaign may dial.
    pub(super) ready: bool,
    pub(super) down_since: Time,
    pub(super) why: String,
    /// How often it was lost.
    pub(super) lost: u32,
    /// When the Asterisk of the last connection was started, in its own form.
    pub(super) asterisk_since: Option<String>,
}

impl Engine {
    pub(super) fn link_event(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Up { .. } => {
                self.link_state.connection += 1;
                self.link_state.connected = true;
                self.survey(Look::First);
            }
            LinkEvent::Down { why, .. } => {
                self.note_loss();
                self.link_is_down(&why.to_string());
            }
            LinkEvent::Event(event) => self.ari_event(&event),
            LinkEvent::Replaced => {
                self.note_loss();
                let why = "another program has taken our Stasis application: \
                           stop it, or set another STASIS_APP, and start again";
                self.link_is_down(why);
            }
            LinkEvent::Held { app } => {
                self.link_state.connected = false;
                self.held = Some(held_by(&app));
            }
        }
    }

    /// The connection is gone, if there was one. Asterisk may answer requests all the same,
    /// above all where another program has the events now: then a look every few seconds
    /// replaces them, so that calls that end do end, and nobody is left alone in a bridge.
    fn note_loss(&mut self) {
        if std::mem::take(&mut self.link_state.connected) {
            self.link_state.lost += 1;
            self.survey_due = Some(self.clock.now() + SURVEY_AGAIN);
        }
    }

    pub(super) fn link_is_down(&mut self, why: &str) {
        if crate::campaign::sabotaged!(IgnoresLoss) {
            self.pace.change();
            return;
        }
        if self.link_state.ready {
            self.link_state.down_since = self.clock.now();
        }
        self.link_state.ready = false;
        if self.link_state.why != why {
            why.clone_into(&mut self.link_state.why);
            self.tell(Told::LinkDown {
                why: why.to_owned(),
            });
        }
        self.feed(Input::LinkDown);
    }

    pub(super) fn ari_event(&mut self, event: &crate::ari::Event) {
        if matches!(event.kind, EventKind::ApplicationReplaced) {
            return;
        }
        self.timelines.event(&self.ids, event);
        self.unwritten.extend(self.legs.event(&self.ids, event));
        if let Some(input) = translate(&self.ids, event) {
            self.feed(input);
        }
    }

    /// What lives in Asterisk is known; if the trunk exists too, calls may be placed.
    pub(super) fn surveyed(&mut self, link: u64, survey: Result<Survey, AriError>) {
        if link != self.link_state.connection {
            return;
        }
        if !self.link_state.connected {
            self.survey_due = Some(self.clock.now() + SURVEY_AGAIN);
            if let Ok(survey) = survey
                && !crate::campaign::sabotaged!(IsBlindWhenDeaf)
            {
                self.seen_ids = survey.ids;
                self.feed(Input::Glimpse(survey.census));
            }
            return;
        }
        let mut survey = match survey {
            Ok(survey) => survey,
            Err(error) => return self.survey_failed(&error),
        };
        if let Some(error) = survey.incomplete {
            // Whoever is on the line does not wait for the rest.
            self.survey_failed(&error);
            self.seen_ids = survey.ids;
            self.feed(if self.link_state.ready {
                Input::Census(survey.census)
            } else {
                Input::Glimpse(survey.census)
            });
            return;
        }
        if self.final_survey == FinalSurvey::Asked {
            let clean = survey.ids.is_empty();
            self.final_survey = if clean {
                FinalSurvey::Clean
            } else {
                FinalSurvey::NotYet
            };
        }
        if let Some(since) = survey.asterisk_since {
            let before = self.link_state.asterisk_since.replace(since);
            let changed = before.is_some() && before != self.link_state.asterisk_since;
            survey.census.restarted = changed;
        }
        self.seen_ids = survey.ids;
        if self.link_state.ready {
            self.feed(Input::Census(survey.census));
        } else if survey.trunk_exists {
            self.link_state.ready = true;
            self.link_state.why.clear();
            self.tell(Told::LinkUp);
            self.feed(Input::LinkUp(survey.census));
        } else {
            self.feed(Input::Census(survey.census));
            self.survey_due = Some(self.clock.now() + SURVEY_AGAIN);
            let trunk = &self.requester.plan.trunk;
            let why = format!(
                "Asterisk knows no PJSIP endpoint {trunk}: check ARI_TRUNK against pjsip.conf"
            );
            self.link_is_down(&why);
        }
    }

    fn survey_failed(&mut self, error: &AriError) {
        self.survey_due = Some(self.clock.now() + SURVEY_AGAIN);
        if !self.link_state.ready {
            self.link_is_down(&error.to_string());
        }
    }

    /// The survey that is due is made.
    pub(super) fn survey_again(&mut self) {
        self.survey(match (self.link_state.connected, self.link_state.ready) {
            (true, true) => Look::Again,
            (true, false) => Look::First,
            (false, _) => Look::Deaf,
        });
    }

    pub(super) fn survey(&mut self, look: Look) {
        let requester = self.requester.clone();
        let inbox = self.inbox.clone();
        let link = self.link_state.connection;
        let now = self.clock.now();
        self.survey_due = Some(now + SURVEY_EVERY);
        let recordings = self.campaign.unknown_recordings();
        tokio::spawn(async move {
            let survey = requester.survey(now, look, recordings).await;
            let _ = inbox.send(Message::Surveyed { link, survey });
        });
    }
}

fn held_by(app: &crate::ari::Application) -> String {
    format!(
        "the Stasis application {} is held by another program ({} channels, {} bridges): stop \
         it, set another STASIS_APP, or start with --take-over",
        app.name,
        app.channel_ids.len(),
        app.bridge_ids.len()
    )
}
