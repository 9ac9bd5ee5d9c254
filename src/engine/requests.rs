//! Carries out the campaign's requests at Asterisk.

use std::sync::Arc;
use std::time::Duration;

use super::channels::Channels;
use crate::ari::{
    AriError, ChannelInfo, ChannelState, Client, CreateChannel, EventSource, Gate, HangupReason,
    IfExists, Originate, Recording,
};
use crate::campaign::{
    AttemptId, CallSettings, CallerId, Census, Number, Op, OpError, Part, RunId, Time, TrunkIs,
    trunk_endpoint,
};

/// As Asterisk wants it.
fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// Variables of a channel that has the carrier present no number (CLIR): `From` is anonymous by
/// the first one, `Privacy: id` (RFC 3323) stands there by the second. That one needs
/// `res_pjsip_header_funcs.so`, and does nothing where it is not loaded (measured on 22.10.1).
fn presents_no_number() -> Vec<(String, String)> {
    let variables = [
        ("CONNECTEDLINE(pres)", "prohib"),
        ("PJSIP_HEADER(add,Privacy)", "id"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    variables.map(owned).to_vec()
}

/// Whoever asks Asterisk for things.
#[derive(Clone)]
pub(super) struct Requester {
    pub(super) client: Client,
    pub(super) channels: Channels,
    /// The settings by which calls are made.
    pub(super) settings: Arc<CallSettings>,
    /// Open while leads may be called: no leg A is dialed through a shut one.
    pub(super) gate: Gate,
}

/// Where Asterisk is to look up whom a carrier or a phone redirects a call to (a 302): in no
/// context that exists, so that the call ends instead. Otherwise Asterisk places a second one
/// by itself, by way of the endpoint's own context: to a number that nobody asked for, beside
/// MAX_CC, on a channel that nobody knows. A trunk with `redirect_method=uri_pjsip` follows the
/// redirect within the same call, and is not held up by this.
fn no_forwarding() -> (String, String) {
    let nowhere = "dialdeck-follows-no-redirect";
    ("FORWARD_CONTEXT".to_owned(), nowhere.to_owned())
}

impl Requester {
    /// The same, for an attempt that began by these settings.
    pub(super) fn with(&self, settings: Arc<CallSettings>) -> Self {
        Self {
            client: self.client.clone(),
            channels: self.channels.clone(),
            settings,
            gate: self.gate.clone(),
        }
    }

    /// Carries out one request for an attempt.
    pub(super) async fn carry_out(
        &self,
        run: RunId,
        attempt: AttemptId,
        op: Op,
        number: &Number,
    ) -> Result<(), OpError> {
        let id = |part| self.channels.id(run, attempt, part);
        let result = match op {
            Op::OriginateA => self.originate_a(id(Part::A), number).await,
            Op::CreateBridge => {
                let bridge = id(Part::Bridge);
                self.client.create_bridge(&bridge, &bridge).await
            }
            Op::CreateB => {
                self.create_b([Part::A, Part::B, Part::B2].map(id), number)
                    .await
            }
            Op::OriginateB => {
                self.originate_b([Part::A, Part::B, Part::B2].map(id), number)
                    .await
            }
            Op::DialB => {
                let timeout = seconds(self.settings.target.timeout);
                self.client.dial(&id(Part::B), None, timeout).await
            }
            Op::Join(part) => self.client.add_channel(&id(Part::Bridge), &id(part)).await,
            Op::Snoop => {
                self.client
                    .snoop(&id(Part::A), &id(Part::Snoop), "rec")
                    .await
            }
            Op::Record => return self.record(run, attempt).await,
            Op::StartMusic => {
                let class = self.settings.target.moh_class.as_deref();
                self.client.moh_start(&id(Part::A), class).await
            }
            Op::StopMusic => self.client.moh_stop(&id(Part::A)).await.map(drop),
            Op::Find(part) => return self.find(&id(part)).await,
            Op::AskTarget { a_joined } => {
                let ids = [Part::A, Part::B, Part::Bridge].map(id);
                return self
                    .has_answered(ids, a_joined)
                    .await
                    .unwrap_or_else(|error| op_error(&error));
            }
            Op::HangUp(part) => return self.hang_up(&id(part)).await,
            Op::DestroyBridge => self
                .client
                .destroy_bridge(&id(Part::Bridge))
                .await
                .map(drop),
        };
        result.or_else(|error| op_error(&error))
    }

    async fn originate_a(&self, channel_id: String, number: &Number) -> Result<(), AriError> {
        let originate = Originate {
            channel_id,
            other_channel_id: None,
            originator: None,
            endpoint: trunk_endpoint(number, &self.settings.trunk),
            app_args: "a".to_owned(),
            caller_id: self.settings.caller_id.as_ref().and_then(CallerId::shown),
            timeout: seconds(self.settings.call_timeout),
            variables: match self.settings.caller_id {
                Some(CallerId::Anonymous) => presents_no_number(),
                Some(CallerId::Shown(_)) | None => Vec::new(),
            }
            .into_iter()
            .chain([no_forwarding()])
            .collect(),
        };
        self.client.originate_through(&self.gate, &originate).await
    }

    async fn create_b(&self, ids: [String; 3], number: &Number) -> Result<(), AriError> {
        let [a, b, b2] = ids;
        let create = CreateChannel {
            channel_id: b,
            other_channel_id: self.second_half(b2),
            originator: Some(a),
            endpoint: self.settings.target.endpoint.clone(),
            app_args: "b".to_owned(),
            connected_number: Some(number.to_string()),
        };
        self.client.create_channel(&create).await?;
        self.hear_second_half(create.other_channel_id).await;
        Ok(())
    }

    /// Its events tell when an agent answers, and do not come by themselves. Without them only
    /// that figure is missing.
    async fn hear_second_half(&self, id: Option<String>) {
        let Some(id) = id else { return };
        let source = EventSource::Channel(id);
        if let Err(error) = self.client.subscribe(self.client.app(), &source).await {
            tracing::debug!(%error, "the target's second half is not heard");
        }
    }

    async fn originate_b(&self, ids: [String; 3], number: &Number) -> Result<(), AriError> {
        let [a, b, b2] = ids;
        let originate = Originate {
            channel_id: b,
            other_channel_id: self.second_half(b2),
            originator: Some(a),
            endpoint: self.settings.target.endpoint.clone(),
            app_args: "b".to_owned(),
            caller_id: Some(number.to_string()),
            timeout: seconds(self.settings.target.timeout),
            variables: vec![no_forwarding()],
        };
        self.client.originate(&originate).await?;
        self.hear_second_half(originate.other_channel_id).await;
        Ok(())
    }

    /// Only a local channel has a second half.
    fn second_half(&self, id: String) -> Option<String> {
        self.settings
            .target
            .endpoint
            .starts_with("Local/")
            .then_some(id)
    }

    /// 409 is passed on only where a recording of this name runs. A channel that a census saw
    /// on its way into the application is refused alike, and would stay without one: that is
    /// asked for again.
    ///
    /// After a transfer of leg A it is gone on with behind what there is.
    async fn record(&self, run: RunId, attempt: AttemptId) -> Result<(), OpError> {
        let name = self.channels.ids().make(run, attempt, Part::Snoop);
        let if_exists = if self.channels.is_replaced(attempt, Part::Snoop) {
            IfExists::Append
        } else {
            IfExists::Fail
        };
        let recording = Recording {
            name: name.clone(),
            format: self.settings.recordings.format.clone(),
            if_exists,
            max_seconds: 0,
        };
        let snoop = self.channels.id(run, attempt, Part::Snoop);
        let result = self.client.record(&snoop, &recording).await;
        if let Err(AriError::Refused { status: 409, .. }) = result
            && self.client.is_recording(&name).await != Ok(true)
        {
            return Err(OpError::TooEarly);
        }
        result.or_else(|error| op_error(&error))
    }

    /// 409 stands for a channel that is in our application, or on its way into it.
    async fn find(&self, channel: &str) -> Result<(), OpError> {
        match self.client.channel(channel).await {
            Ok(Some(info)) if info.is_elsewhere(self.client.app()) => Ok(()),
            Ok(Some(_)) => Err(OpError::Refused(409)),
            Ok(None) => Err(OpError::NotFound),
            Err(error) => op_error(&error),
        }
    }

    /// Whether the target is up, or two are in the bridge, its phone or A's having transferred the
    /// call; and A is there.
    async fn has_answered(
        &self,
        [a, b, bridge]: [String; 3],
        a_joined: bool,
    ) -> Result<Result<(), OpError>, AriError> {
        let target = self.client.channel(&b).await?;
        if target
            .as_ref()
            .is_some_and(|target| target.state != ChannelState::Up)
        {
            return Ok(Err(OpError::Refused(409)));
        }
        let bridge = self.client.bridge(&bridge).await?;
        let talk = bridge.is_some_and(|bridge| bridge.channels.len() > 1);
        let answered =
            talk || target.is_some() && !a_joined && self.client.channel(&a).await?.is_some();
        Ok(if answered {
            Ok(())
        } else {
            Err(OpError::NotFound)
        })
    }

    async fn hang_up(&self, channel: &str) -> Result<(), OpError> {
        match self
            .client
            .hangup(channel, Some(HangupReason::Normal))
            .await
        {
            Ok(crate::ari::Gone::Now) => Ok(()),
            Ok(crate::ari::Gone::Already) => Err(OpError::NotFound),
            Err(error) => op_error(&error),
        }
    }

    /// Takes down something that no call knows. What fails is met again by the next survey.
    /// Not waited for.
    pub(super) fn take_down(&self, id: String, part: Part) {
        let client = self.client.clone();
        tokio::spawn(async move {
            let result = match part {
                Part::Bridge => client.destroy_bridge(&id).await,
                _ => client.hangup(&id, None).await,
            };
            if let Err(error) = result {
                tracing::warn!(id, %error, "a stray could not be taken down");
            }
        });
    }

    /// How the trunk stands after an originate that Asterisk could not make. An error is no
    /// answer: then it is taken to be there, and the attempt as congestion.
    pub(super) async fn trunk_is(&self) -> TrunkIs {
        match self.client.endpoint("PJSIP", &self.settings.trunk).await {
            Ok(None) => TrunkIs::Missing,
            Ok(Some(found)) if found.state.as_deref() == Some("offline") => TrunkIs::Away,
            Ok(Some(_)) | Err(_) => TrunkIs::There,
        }
    }

    /// Whether anything has come back for a leg A that was dialed. Asterisk keeps the last
    /// response of each channel, a 100 too, and none where there was none (measured on 22.10.1).
    /// An error is no answer.
    pub(super) async fn carrier_answered(&self, run: RunId, attempt: AttemptId) -> bool {
        let channel = self.channels.id(run, attempt, Part::A);
        let responses = self.client.variable(&channel, "HANGUPCAUSE_KEYS()").await;
        !matches!(responses, Ok(Some(none)) if none.is_empty())
    }

    /// Whether Asterisk knows the trunk. An error is no answer.
    pub(super) async fn trunk_exists(&self) -> Result<bool, AriError> {
        let endpoint = self.client.endpoint("PJSIP", &self.settings.trunk).await?;
        Ok(endpoint.is_some())
    }

    /// What lives in Asterisk of this journal's, asked for from `now` on, and which of
    /// `recordings` are there. `so_far` is told what lives as soon as that is known, and again
    /// once events of all of it come in: the rest may take long, or fail.
    pub(super) async fn survey(
        &self,
        now: Time,
        look: SurveyLook,
        recordings: Vec<(AttemptId, String)>,
        so_far: impl Fn(&Survey),
    ) -> Result<Survey, AriError> {
        let mut survey = self.list(now).await?;
        survey.census.spool_unknown = !recordings.is_empty();
        so_far(&survey);
        if look == SurveyLook::First {
            self.hear_all(&survey.ids).await?;
            survey.heard = true;
            so_far(&survey);
            survey.asterisk_since = Some(self.client.info().await?.startup_time);
        }
        if look != SurveyLook::Deaf {
            self.forget_dead_bridges(&survey.ids).await?;
        }
        // Only a 404 says that there is none; whoever passes over an error loses a recording.
        for (attempt, name) in recordings {
            if self.client.stored_recording(&name).await?.is_some() {
                survey.census.recorded.push(attempt);
            }
        }
        survey.census.spool_unknown = false;
        survey.trunk_exists = self.trunk_exists().await?;
        Ok(survey)
    }

    async fn list(&self, now: Time) -> Result<Survey, AriError> {
        let mut survey = Survey::default();
        survey.census.asked_at = now;
        let ids = self.channels.ids();
        let app = self.client.app();
        for channel in self.client.channels().await? {
            let Some((attempt, part)) = ids.parse(&channel.id) else {
                if channel.is_in(app) {
                    survey.others.push(Other::new(channel));
                }
                continue;
            };
            if matches!(part, Part::A | Part::B) && channel.is_elsewhere(app) {
                survey.census.elsewhere.push((attempt, part));
                continue;
            }
            let up = channel.state == crate::ari::ChannelState::Up;
            survey.census.channels.push((attempt, part, up));
            survey.ids.push((channel.id, attempt, part));
        }
        for bridge in self.client.bridges().await? {
            let Some((attempt, Part::Bridge)) = ids.parse(&bridge.id) else {
                continue;
            };
            let members = bridge.channels.iter().filter_map(|id| ids.parse(id));
            survey.census.joined.extend(members);
            survey.census.bridges.push(attempt);
            for other in &mut survey.others {
                if bridge.channels.contains(&other.id) {
                    other.bridge = Some(attempt);
                }
            }
            survey.ids.push((bridge.id, attempt, Part::Bridge));
        }
        Ok(survey)
    }

    async fn hear_all(&self, ids: &[(String, AttemptId, Part)]) -> Result<(), AriError> {
        for (id, _, part) in ids {
            let source = match part {
                Part::Bridge => EventSource::Bridge(id.clone()),
                _ => EventSource::Channel(id.clone()),
            };
            // What has gone meanwhile can't be subscribed to, and need not be.
            match self.client.subscribe(self.client.app(), &source).await {
                Err(error) if error.is_outage() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Asterisk sometimes keeps an application's subscription to a bridge that died under
    /// load while a channel entered it; with it the application outlives its dialer, and
    /// would look like somebody else's to the next one (measured on 22.10.1).
    async fn forget_dead_bridges(&self, ids: &[(String, AttemptId, Part)]) -> Result<(), AriError> {
        let app = self.client.app();
        let Some(known) = self.client.application(app).await? else {
            return Ok(());
        };
        let lives = |bridge: &String| ids.iter().any(|(id, ..)| id == bridge);
        let dead = known
            .bridge_ids
            .into_iter()
            .filter(|id| self.channels.ids().parse(id).is_some() && !lives(id));
        for bridge in dead {
            let source = EventSource::Bridge(bridge.clone());
            // Subscriptions are counted: one for each channel that ever entered.
            for _ in 0..4 {
                match self.client.unsubscribe(app, &source).await {
                    Ok(now) if now.bridge_ids.contains(&bridge) => {}
                    Err(error) if error.is_outage() => return Err(error),
                    _ => break,
                }
            }
        }
        Ok(())
    }
}

/// When [`Requester::survey`] looks, and what it does beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SurveyLook {
    /// An event stream has come up. Events of all that lives are asked for, since what was made
    /// while no socket was up is not among the application's.
    First,
    /// An event stream is up.
    Again,
    /// None is up: the application may be another program's by now, and is left alone.
    Deaf,
}

/// What [`Requester::survey`] found.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    pub(super) census: Census,
    /// The ids as Asterisk has them: a stray of an earlier run has that run in its id.
    pub(super) ids: Vec<(String, AttemptId, Part)>,
    /// Channels in our application that have no id of ours.
    pub(super) others: Vec<Other>,
    /// How many of those belong to no call.
    pub(super) strangers: usize,
    pub(super) trunk_exists: bool,
    /// What is wrong with the target, if that was asked and anything is.
    pub(super) target_fault: Option<String>,
    /// When Asterisk was started, in its own form, if that was asked.
    pub(super) asterisk_since: Option<String>,
    /// Events of all that it found come in since this survey subscribed to them.
    pub(super) heard: bool,
}

/// A channel in our application that has no id of ours.
#[derive(Debug, Clone)]
pub(super) struct Other {
    pub(super) id: String,
    pub(super) name: String,
    /// Whose bridge it is in.
    pub(super) bridge: Option<AttemptId>,
}

impl Other {
    fn new(channel: ChannelInfo) -> Self {
        Self {
            id: channel.id,
            name: channel.name,
            bridge: None,
        }
    }
}

fn op_error(error: &AriError) -> Result<(), OpError> {
    Err(match error {
        // The request was carried out; only its answer could not be read.
        AriError::Malformed { .. } => return Ok(()),
        AriError::Login | AriError::ReadOnly => OpError::Login,
        AriError::Refused { status: 404, .. } => OpError::NotFound,
        AriError::Refused { status, .. } if error.surely_not_carried_out() => {
            OpError::Refused(*status)
        }
        AriError::Withheld { .. } => OpError::Withheld,
        _ if error.surely_not_carried_out() => OpError::NotSent,
        _ => OpError::Unknown,
    })
}
