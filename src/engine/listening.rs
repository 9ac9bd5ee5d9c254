//! The event stream, and what is done when it is lost and when it is back.

use std::time::Duration;

use super::requests::{Survey, SurveyLook};
use super::translate::translate;
use super::{Channels, Engine, Message, Told};
use crate::ari::link::LinkEvent;
use crate::ari::{AriError, DialStatus, EventKind, harmless};
use crate::campaign::{Input, LegNote, Part, Record, Time};

/// How often what lives in Asterisk is compared with what is known.
const SURVEY_EVERY: Duration = Duration::from_secs(30);
/// How soon a survey that failed, or found no trunk, is made again; and how often Asterisk is
/// asked while no event tells anything.
const SURVEY_AGAIN: Duration = Duration::from_secs(2);

/// As much of an agent's name as is kept; Asterisk's own have 80 at the most.
const LONGEST_AGENT: usize = 80;
/// As much of a carrier's words as is kept.
const LONGEST_ANSWER: usize = 80;

/// How long a survey may take, once it is known what lives, before that much is acted upon:
/// somebody may be on the line and hear nobody.
const REST_OF_SURVEY: Duration = Duration::from_secs(1);

/// The state of the event stream, as the engine acts upon it.
pub(super) struct EventStream {
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
                self.listed = None;
                self.survey(SurveyLook::First);
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
                self.held = Some(held_by(&app, self.requester.channels.ids().prefix()));
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
        if self.is_strange(event) {
            return;
        }
        self.note_left(event);
        let channels = &self.requester.channels;
        self.timelines.event(channels, event);
        self.unwritten.extend(self.legs.event(channels, event));
        self.unwritten.extend(agent(channels, event));
        self.unwritten.extend(refusal(channels, event));
        if let Some(input) = translate(channels, event) {
            self.feed(input);
        }
    }

    /// What lives in Asterisk is known; if the trunk exists too, calls may be placed.
    pub(super) fn surveyed(&mut self, link: u64, survey: Result<Survey, AriError>) {
        if link != self.link_state.connection {
            return;
        }
        let mut survey = match survey {
            Ok(survey) => survey,
            Err(error) => {
                self.survey_failed(&error);
                return self.act_on_listing();
            }
        };
        self.listed = None;
        if !self.place_others(&mut survey) {
            return;
        }
        if !self.link_state.connected {
            self.survey_due = Some(self.clock.now() + SURVEY_AGAIN);
            self.listed = Some((self.clock.now(), survey));
            return self.act_on_listing();
        }
        self.finally_surveyed(survey.ids.len() + survey.strangers);
        if let Some(since) = survey.asterisk_since {
            let before = self.link_state.asterisk_since.replace(since);
            let changed = before.is_some() && before != self.link_state.asterisk_since;
            survey.census.restarted = changed;
        }
        self.seen_ids = survey.ids;
        if self.link_state.ready {
            self.feed(Input::Census(survey.census));
            return;
        }
        self.target_fault = survey.target_fault.filter(|_| survey.trunk_exists);
        if let Some(why) = self.target_fault.clone() {
            self.feed(Input::Census(survey.census));
            self.survey_due = Some(self.clock.now() + SURVEY_AGAIN);
            self.link_is_down(&why);
        } else if survey.trunk_exists && !self.format_is_known() {
            self.feed(Input::Census(survey.census));
            self.survey_due = Some(self.clock.now() + SURVEY_AGAIN);
        } else if survey.trunk_exists {
            self.link_state.ready = true;
            self.link_state.why.clear();
            self.tell(Told::LinkUp);
            self.feed(Input::LinkUp(survey.census));
        } else {
            self.feed(Input::Census(survey.census));
            self.survey_due = Some(self.clock.now() + SURVEY_AGAIN);
            let trunk = &self.requester.settings.trunk;
            let why = format!(
                "Asterisk knows no PJSIP endpoint {trunk}: check ARI_TRUNK against pjsip.conf"
            );
            self.link_is_down(&why);
        }
    }

    fn survey_failed(&mut self, error: &AriError) {
        self.survey_due = Some(self.clock.now() + SURVEY_AGAIN);
        if self.link_state.connected && !self.link_state.ready {
            self.link_is_down(&error.to_string());
        }
    }

    /// A survey tells what lives, and goes on with the rest.
    pub(super) fn listed(&mut self, link: u64, listing: Survey) {
        if link == self.link_state.connection {
            self.listed = Some((self.clock.now() + REST_OF_SURVEY, listing));
        }
    }

    /// Acts upon what a survey has found so far, unless that was done.
    pub(super) fn act_on_listing(&mut self) {
        let Some((_, mut listing)) = self.listed.take() else {
            return;
        };
        if !self.place_others(&mut listing) {
            return;
        }
        let link = &self.link_state;
        if !link.connected && crate::campaign::sabotaged!(IsBlindWhenDeaf) {
            return;
        }
        let hears = link.connected && (link.ready || listing.heard);
        self.seen_ids = listing.ids;
        self.feed(if hears {
            Input::Census(listing.census)
        } else {
            Input::Glimpse(listing.census)
        });
    }

    /// The survey that is due is made.
    pub(super) fn survey_again(&mut self) {
        self.survey(match (self.link_state.connected, self.link_state.ready) {
            (true, true) => SurveyLook::Again,
            (true, false) => SurveyLook::First,
            (false, _) => SurveyLook::Deaf,
        });
    }

    pub(super) fn survey(&mut self, look: SurveyLook) {
        let requester = self.requester.clone();
        let inbox = self.inbox.clone();
        let link = self.link_state.connection;
        let now = self.clock.now();
        self.survey_due = Some(now + SURVEY_EVERY);
        let recordings = self.campaign.unknown_recordings();
        let target = (look == SurveyLook::First).then(|| self.ask_for_target());
        tokio::spawn(async move {
            let so_far = |survey: &Survey| {
                let survey = survey.clone();
                let _ = inbox.send(Message::Listed { link, survey });
            };
            let survey = requester.survey(now, look, recordings, so_far);
            let target = async {
                match target {
                    Some(asked) => asked.await,
                    None => None,
                }
            };
            let (survey, target_fault) = tokio::join!(survey, target);
            let survey = survey.map(|survey| Survey {
                target_fault,
                ..survey
            });
            let _ = inbox.send(Message::Surveyed { link, survey });
        });
    }
}

/// Who answered behind a queue, as Asterisk calls him: `PJSIP/agent`.
fn agent(ids: &Channels, event: &crate::ari::Event) -> Option<Record> {
    let EventKind::Dial {
        caller: Some(caller),
        peer,
        status: DialStatus::Answer,
        ..
    } = &event.kind
    else {
        return None;
    };
    let (attempt, Part::B2) = ids.parse(&caller.id)? else {
        return None;
    };
    // Behind the last hyphen stands what tells this channel from others of the same phone.
    let name = peer
        .name
        .rsplit_once('-')
        .map_or(&*peer.name, |(name, _)| name);
    let name: String = harmless(name).chars().take(LONGEST_AGENT).collect();
    (!name.is_empty()).then_some(Record::Leg {
        attempt,
        part: Part::B2,
        note: LegNote::Named(name),
    })
}

/// With which SIP status and words a carrier refused leg A, where Asterisk tells them.
fn refusal(ids: &Channels, event: &crate::ari::Event) -> Option<Record> {
    // It is in the `Dial` event before as well; here it is written with the attempt's end.
    let EventKind::ChannelDestroyed { channel, .. } = &event.kind else {
        return None;
    };
    let (attempt, Part::A) = ids.parse(&channel.id)? else {
        return None;
    };
    let answer = channel.sip_answer.as_deref()?.strip_prefix("SIP ")?;
    // Below 300 it is no refusal: <https://www.rfc-editor.org/rfc/rfc3261#section-7.2>.
    let refuses = matches!(answer.as_bytes(), [b'3'..=b'6', ..]);
    let answer: String = harmless(answer).chars().take(LONGEST_ANSWER).collect();
    refuses.then_some(Record::Leg {
        attempt,
        part: Part::A,
        note: LegNote::Refused(answer),
    })
}

fn held_by(app: &crate::ari::Application, own_prefix: &str) -> String {
    let holder = match app.dialdecks(own_prefix) {
        0 => "another program, which is connected".to_owned(),
        channels => format!("another Dialdeck, which has calls ({channels} channels)"),
    };
    format!(
        "the Stasis application {} is held by {holder}: stop it, set another STASIS_APP, or \
         start with --take-over",
        app.name,
    )
}
