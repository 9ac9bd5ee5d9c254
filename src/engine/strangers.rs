//! Channels that enter our Stasis application under ids that are not ours: one that takes the
//! place of a leg whose phone transferred its call is part of that call; any other belongs to
//! nobody, and is hung up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::requests::{Other, Survey};
use super::{Engine, Told};
use crate::ari::{ChannelInfo, Event, EventKind, EventSource, harmless};
use crate::campaign::{ANY_DIALDECK, AttemptId, Census, Input, Part, Time, sabotaged};

/// How soon a phone that has transferred its call hangs up.
const PHONE_HANGS_UP_WITHIN: Duration = Duration::from_secs(2);

/// How long a survey may take from its first request until it is acted upon, and more.
const LONGEST_SURVEY: Duration = Duration::from_secs(60);

/// A leg of an attempt.
type Place = (AttemptId, Part);

/// Channels in our application that belong to no call.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// How many there were since the process began.
    pub(super) count: u64,
    /// Those that were told of, and may be there still.
    known: BTreeSet<String>,
    /// Channels of Asterisk's making that left our application, and when: a survey that was asked
    /// for before tells nothing of them.
    left: BTreeMap<String, Time>,
    held: Vec<Held>,
}

/// A channel that has replaced another one of which a survey is to tell.
#[derive(Debug)]
struct Held {
    at: Time,
    replaces: String,
    channel: ChannelInfo,
}

impl Engine {
    /// A channel enters our application. Whether it is one that the campaign knows nothing of.
    pub(super) fn is_strange(&mut self, event: &Event) -> bool {
        let EventKind::StasisStart {
            channel, replaces, ..
        } = &event.kind
        else {
            return false;
        };
        let channels = &self.requester.channels;
        if channels.was_replaced(&channel.id) {
            // An event that comes late, or twice.
            return true;
        }
        let replaced = replaces.as_ref().and_then(|of| channels.parse(&of.id));
        if let Some((attempt, part @ (Part::A | Part::B))) = replaced
            && !sabotaged!(ForgetsTransfers)
        {
            self.replaced(attempt, part, &channel.id, &channel.name);
            return true;
        }
        if channels.parse(&channel.id).is_some() {
            return false;
        }
        match replaces {
            // The one that it replaces may have replaced a leg while no events came.
            Some(of) if !self.link_state.ready => {
                self.strangers.held.push(Held {
                    at: self.clock.now(),
                    replaces: of.id.clone(),
                    channel: channel.clone(),
                });
            }
            _ => self.hang_up_stranger(channel),
        }
        true
    }

    /// Settles who replaced a channel that was unknown before a survey. Whether somebody is left
    /// whom the survey, asked for too early, does not tell of.
    fn place_held(&mut self, asked_at: Time) -> bool {
        for held in std::mem::take(&mut self.strangers.held) {
            let channels = &self.requester.channels;
            match channels.parse(&held.replaces) {
                _ if channels.parse(&held.channel.id).is_some() => {}
                Some((attempt, part)) => {
                    self.replaced(attempt, part, &held.channel.id, &held.channel.name);
                }
                None if asked_at <= held.at => self.strangers.held.push(held),
                // It was not listed.
                None => {}
            }
        }
        !self.strangers.held.is_empty()
    }

    fn replaced(&mut self, attempt: AttemptId, part: Part, by: &str, name: &str) {
        // The phone hangs up when it has heard that its transfer went well; where it does not, the
        // next survey ends its channel.
        let soon = self.clock.now() + PHONE_HANGS_UP_WITHIN;
        self.survey_due = self.survey_due.map(|due| due.min(soon));
        let channels = &mut self.requester.channels;
        channels.replace((attempt, part), by);
        if part == Part::A {
            channels.replace_recorder(self.campaign.run(), attempt);
        }
        // Its StasisEnd alone would come by itself, without the cause.
        let client = self.requester.client.clone();
        let source = EventSource::Channel(by.to_owned());
        tokio::spawn(async move {
            if let Err(error) = client.subscribe(client.app(), &source).await {
                tracing::debug!(%error, "the cause of its end is not heard");
            }
        });
        self.feed(Input::Transferred {
            attempt,
            part,
            to: destination(name),
        });
    }

    fn hang_up_stranger(&mut self, channel: &ChannelInfo) {
        let other = Other {
            id: channel.id.clone(),
            name: channel.name.clone(),
            bridge: None,
        };
        self.turn_away(&other);
    }

    /// Nobody owns it: it would stay for ever. What another Dialdeck has made is its own.
    fn turn_away(&mut self, other: &Other) {
        if other.id.starts_with(ANY_DIALDECK) || sabotaged!(KeepsStrangers) {
            return;
        }
        if self.strangers.known.insert(other.id.clone()) {
            self.strangers.count += 1;
            self.tell(Told::Warning(format!(
                "the channel {} entered the Stasis application {} and belongs to no call of \
                 this dialer: it is hung up",
                harmless(&other.name),
                self.requester.client.app(),
            )));
        }
        self.requester.take_down(other.id.clone(), Part::A);
    }

    /// Finds the places of the channels that a survey has found under ids that are not ours.
    /// `false` if it was asked for before somebody came of whom it would have to tell: it says
    /// nothing, and another one is made at once.
    #[must_use]
    pub(super) fn place_others(&mut self, survey: &mut Survey) -> bool {
        let now = self.clock.now();
        let left = &mut self.strangers.left;
        left.retain(|_, at| now.since(*at) < LONGEST_SURVEY);
        let campaign = &self.campaign;
        self.requester.channels.retain(|a| campaign.knows(a));
        self.find_recorders(survey);
        let others = std::mem::take(&mut survey.others);
        self.strangers
            .known
            .retain(|id| others.iter().any(|other| other.id == *id));
        // Who was in a bridge when the survey was asked for, before what was heard since is applied.
        let placed = self.places(&survey.census, others);
        self.forget_replaced(survey);
        for (other, place) in placed {
            let left_at = self.strangers.left.get(&other.id);
            if left_at.is_some_and(|at| survey.census.asked_at <= *at) {
                continue;
            }
            let channels = &self.requester.channels;
            if channels.was_replaced(&other.id) {
                // It has ended since it was asked for, or is to.
                self.requester.take_down(other.id, Part::A);
                continue;
            }
            let is_known = channels.parse(&other.id).is_some();
            let Some((attempt, part)) = place.filter(|_| !sabotaged!(ForgetsTransfers)) else {
                // Somebody who listens in is let be.
                if other.bridge.is_none() {
                    survey.strangers += 1;
                    self.turn_away(&other);
                }
                continue;
            };
            if !is_known {
                self.replaced(attempt, part, &other.id, &other.name);
            }
            survey.census.channels.push((attempt, part, true));
            if other.bridge == Some(attempt) {
                survey.census.joined.push((attempt, part));
            }
            survey.ids.push((other.id, attempt, part));
        }
        let is_too_old = self.place_held(survey.census.asked_at);
        if is_too_old {
            self.survey_due = Some(now);
        }
        !is_too_old
    }

    /// A channel that has taken a leg's place, or is to be found to have, has left our application:
    /// a survey on its way may still show it there, and its call be over by then.
    pub(super) fn note_left(&mut self, event: &Event) {
        if let EventKind::StasisEnd { channel } = &event.kind
            && self.requester.channels.ids().parse(&channel.id).is_none()
        {
            let now = self.clock.now();
            self.strangers.left.insert(channel.id.clone(), now);
        }
    }

    /// The leg that each of these channels is, by what is known and by who is in the bridges.
    fn places(&self, census: &Census, others: Vec<Other>) -> Vec<(Other, Option<Place>)> {
        let mut census = census.clone();
        let known = |other: &Other| self.requester.channels.parse(&other.id);
        for (other, place) in others
            .iter()
            .filter_map(|o| known(o).map(|place| (o, place)))
        {
            census.channels.push((place.0, place.1, true));
            if other.bridge == Some(place.0) {
                census.joined.push(place);
            }
        }
        let placed = others.into_iter().map(|other| {
            let place = known(&other).or_else(|| {
                let joins = |(attempt, part)| self.campaign.has_joined(attempt, part);
                let place = free_place(&census, other.bridge?, joins)?;
                census.joined.push(place);
                Some(place)
            });
            (other, place)
        });
        placed.collect()
    }

    /// After a transfer of a dead process another channel than the first records.
    fn find_recorders(&mut self, survey: &Survey) {
        let run = self.campaign.run();
        let channels = &mut self.requester.channels;
        for (id, attempt, part) in &survey.ids {
            let is_known = channels.is_replaced(*attempt, *part);
            if *part == Part::Snoop && !is_known && *id != channels.id(run, *attempt, *part) {
                channels.replace((*attempt, *part), id);
            }
        }
    }

    /// A channel of ours that another one has replaced has ended, or is to.
    fn forget_replaced(&mut self, survey: &mut Survey) {
        let channels = &self.requester.channels;
        let (ids, left) = std::mem::take(&mut survey.ids)
            .into_iter()
            .partition::<Vec<_>, _>(|(id, a, p)| channels.parse(id) == Some((*a, *p)));
        survey.ids = ids;
        let records = |attempt| {
            left.iter()
                .any(|(_, a, p)| (*a, *p) == (attempt, Part::Snoop))
        };
        let gone = channels.recorders_replaced().filter(|a| !records(*a));
        survey.census.recorder_gone = gone.collect();
        let stands = |a: AttemptId, p: Part| {
            let is_it = |(_, b, q): &(String, AttemptId, Part)| (a, p) == (*b, *q);
            !channels.is_replaced(a, p) || survey.ids.iter().any(is_it)
        };
        let census = &mut survey.census;
        census.channels.retain(|(a, p, _)| stands(*a, *p));
        census.joined.retain(|(a, p)| stands(*a, *p));
        for (id, _, part) in left {
            self.requester.take_down(id, part);
        }
    }
}

/// The leg that is not in its bridge any more: best one that `joined` knows to have been in it, and
/// one that is not there at all. Whoever is in the bridge instead has its place. Where that could
/// be either, it is leg A's, which holds the slot.
fn free_place(
    census: &Census,
    attempt: AttemptId,
    joined: impl Fn(Place) -> bool,
) -> Option<Place> {
    let is_listed = |leg: Place| {
        let mut listed = census.channels.iter();
        listed.any(|(attempt, part, _)| (*attempt, *part) == leg)
    };
    // Of equals the last one is chosen.
    [Part::B, Part::A]
        .map(|part| (attempt, part))
        .into_iter()
        .filter(|leg| !census.joined.contains(leg))
        .max_by_key(|leg| (joined(*leg), !is_listed(*leg)))
}

/// Where a call was transferred to, by the name of the channel that Asterisk made for that:
/// `Local/100@from-agents-00000001;1`. After an attended transfer it does not say where
/// (measured on 22.10.1).
fn destination(name: &str) -> String {
    let to = name.strip_prefix("Local/").unwrap_or(name);
    if to.starts_with("_attended@") {
        return "attended transfer".to_owned();
    }
    let to = to.rsplit_once('-').map_or(to, |(to, _)| to);
    harmless(to).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_destination_of_a_transfer_is_read_from_the_channel_s_name() {
        let cases = [
            ("Local/100@from-agents-00000001;1", "100@from-agents"),
            ("Local/_attended@transfer/m-00000003;1", "attended transfer"),
            ("PJSIP/agent-2-0000002a", "PJSIP/agent-2"),
            ("Local/1", "1"),
            ("", ""),
        ];
        for (name, to) in cases {
            assert_eq!(destination(name), to, "{name}");
        }
        assert_eq!(destination(&"9".repeat(500)).len(), 80);
    }

    #[test]
    fn whoever_is_in_the_bridge_has_the_place_of_the_leg_that_is_not() {
        let attempt = AttemptId(7);
        let place_of = |joined: &[Part], alone: &[Part], had_joined: &[Part]| {
            let census = Census {
                channels: joined
                    .iter()
                    .chain(alone)
                    .map(|p| (attempt, *p, true))
                    .collect(),
                joined: joined.iter().map(|part| (attempt, *part)).collect(),
                ..Census::default()
            };
            let has_joined = |(_, part)| had_joined.contains(&part);
            free_place(&census, attempt, has_joined).map(|(_, part)| part)
        };
        let place = |joined: &[Part], alone: &[Part]| place_of(joined, alone, &[]);
        assert_eq!(place(&[Part::A], &[]), Some(Part::B));
        assert_eq!(place(&[Part::B], &[]), Some(Part::A));
        assert_eq!(place(&[Part::A, Part::B], &[]), None, "somebody listens in");
        assert_eq!(
            place(&[], &[Part::A]),
            Some(Part::B),
            "A has left the bridge"
        );
        assert_eq!(
            place(&[], &[Part::B]),
            Some(Part::A),
            "B has left the bridge"
        );
        assert_eq!(place(&[], &[]), Some(Part::A), "the slot is held");
        let legs = [Part::A, Part::B];
        assert_eq!(
            place_of(&[], &legs, &[Part::B]),
            Some(Part::B),
            "A hears music outside of the bridge"
        );
        assert_eq!(place_of(&[], &legs, &legs), Some(Part::A));
    }
}
