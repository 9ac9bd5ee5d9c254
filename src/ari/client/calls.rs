//! Channels, bridges and what runs on them.

use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::{Client, Gate, Gone, RestRequest, found};
use crate::ari::error::AriError;
use crate::ari::model::{Bridge, ChannelInfo, RtpStatistics};

/// A channel to originate: it is dialed at once and enters the application when it is
/// answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Originate {
    /// The id it gets; at most 149 characters, never used before.
    pub channel_id: String,
    /// The id of the second half, where the endpoint is `Local/…`.
    pub other_channel_id: Option<String>,
    /// The channel it is for, whose media formats it takes over. Without one a local channel
    /// takes the widest format there is, and Asterisk resamples to 192 kHz and back: over
    /// five times the load of the whole call (measured on 22.10.1).
    pub originator: Option<String>,
    /// What is dialed: `PJSIP/<number>@<trunk>`.
    pub endpoint: String,
    /// What its `StasisStart` carries as `args`, separated by commas.
    pub app_args: String,
    /// Shown to the person dialed: `Sales Team <1001>` or `1001`.
    pub caller_id: Option<String>,
    /// Seconds to ring; 0 means for ever.
    pub timeout: u32,
    /// Channel variables and functions, set before it is dialed.
    pub variables: Vec<(String, String)>,
}

/// A channel to create without dialing it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreateChannel {
    /// The id it gets; at most 149 characters, never used before.
    pub channel_id: String,
    /// The id of the second half, where the endpoint is `Local/…`.
    pub other_channel_id: Option<String>,
    /// What [`Client::dial`] will dial: `Local/777@default`.
    pub endpoint: String,
    /// What its `StasisStart` carries as `args`, separated by commas.
    pub app_args: String,
    /// The channel it is for, whose media formats it takes over. Without one a local channel
    /// takes the widest format there is, and Asterisk resamples to 192 kHz and back: over
    /// five times the load of the whole call (measured on 22.10.1).
    pub originator: Option<String>,
    /// The number that the target is shown as caller. This request knows no `callerId`:
    /// the function `CONNECTEDLINE(num)` is what reaches the target (measured).
    pub connected_number: Option<String>,
}

/// A recording to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its name relative to the spool, without an ending; may have folders.
    pub name: String,
    /// Its format and ending: `wav`.
    pub format: String,
    /// What to do where there is one of that name.
    pub if_exists: IfExists,
    /// Seconds after which it ends; 0 means never.
    pub max_seconds: u32,
}

/// What to do where a recording of that name exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExists {
    /// Refuse with 409.
    #[default]
    Fail,
    /// Replace it.
    Overwrite,
    /// Go on at its end.
    Append,
}

impl IfExists {
    const fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Overwrite => "overwrite",
            Self::Append => "append",
        }
    }
}

/// Why a channel is hung up: what its far end is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HangupReason {
    /// Cause 16.
    Normal,
    /// Cause 17.
    Busy,
    /// Cause 34.
    Congestion,
    /// Cause 19.
    NoAnswer,
    /// Cause 102.
    Timeout,
    /// Cause 21.
    Rejected,
    /// Cause 38.
    Failure,
}

impl HangupReason {
    const fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Busy => "busy",
            Self::Congestion => "congestion",
            Self::NoAnswer => "no_answer",
            Self::Timeout => "timeout",
            Self::Rejected => "rejected",
            Self::Failure => "failure",
        }
    }
}

impl Client {
    /// Dials a channel: `POST /channels`. Events about it can arrive before this returns.
    /// An unusable endpoint (an absent trunk) is 500 "Allocation failed".
    pub async fn originate(&self, new: &Originate) -> Result<(), AriError> {
        self.run(self.origination(new)?).await
    }

    /// The same, unless `gate` is shut when its turn has come: then nothing is sent.
    pub async fn originate_through(&self, gate: &Gate, new: &Originate) -> Result<(), AriError> {
        let mut request = self.origination(new)?;
        request.gate = Some(gate.clone());
        self.run(request).await
    }

    fn origination(&self, new: &Originate) -> Result<RestRequest, AriError> {
        let timeout = match new.timeout {
            0 => "-1".to_owned(),
            seconds => seconds.to_string(),
        };
        let request = RestRequest::new("POST /channels", &[])?
            .query("endpoint", &new.endpoint)
            .query("app", self.app())
            .query("appArgs", &new.app_args)
            .query("channelId", &new.channel_id)
            .query_if("otherChannelId", new.other_channel_id.as_ref())
            .query_if("originator", new.originator.as_ref())
            .query_if("callerId", new.caller_id.as_ref())
            .query("timeout", timeout)
            .body(variables(&new.variables));
        Ok(request)
    }

    /// Creates a channel without dialing it: `POST /channels/create`.
    pub async fn create_channel(&self, new: &CreateChannel) -> Result<(), AriError> {
        let connected = new
            .connected_number
            .iter()
            .map(|number| ("CONNECTEDLINE(num)".to_owned(), number.clone()))
            .collect::<Vec<_>>();
        let request = RestRequest::new("POST /channels/create", &[])?
            .query("endpoint", &new.endpoint)
            .query("app", self.app())
            .query("appArgs", &new.app_args)
            .query("channelId", &new.channel_id)
            .query_if("otherChannelId", new.other_channel_id.as_ref())
            .query_if("originator", new.originator.as_ref())
            .body(variables(&connected));
        self.run(request).await
    }

    /// Dials a created channel: `POST /channels/{id}/dial`. `caller` is the channel it is
    /// dialed for; after `timeout` seconds without an answer it ends with cause 19
    /// (0: never).
    pub async fn dial(
        &self,
        channel: &str,
        caller: Option<&str>,
        timeout: u32,
    ) -> Result<(), AriError> {
        let request = RestRequest::new("POST /channels/{id}/dial", &[channel])?
            .query_if("caller", caller)
            .query("timeout", timeout.to_string());
        self.run(request).await
    }

    /// Makes a channel that hears both sides of `channel`:
    /// `POST /channels/{id}/snoop` with `spy=both`.
    pub async fn snoop(
        &self,
        channel: &str,
        snoop_id: &str,
        app_args: &str,
    ) -> Result<(), AriError> {
        let request = RestRequest::new("POST /channels/{id}/snoop", &[channel])?
            .query("spy", "both")
            .query("app", self.app())
            .query("appArgs", app_args)
            .query("snoopId", snoop_id);
        self.run(request).await
    }

    /// Records a channel: `POST /channels/{id}/record`. On a channel in a bridge it is
    /// accepted and then fails (`RecordingFailed`): record a snoop channel.
    pub async fn record(&self, channel: &str, recording: &Recording) -> Result<(), AriError> {
        let request = RestRequest::new("POST /channels/{id}/record", &[channel])?
            .query("name", &recording.name)
            .query("format", &recording.format)
            .query("maxDurationSeconds", recording.max_seconds.to_string())
            .query("ifExists", recording.if_exists.word());
        self.run(request).await
    }

    /// Whether a recording of this name runs: `GET /recordings/live/{name}`.
    pub async fn is_recording(&self, name: &str) -> Result<bool, AriError> {
        let request = RestRequest::new("GET /recordings/live/{name}", &[name])?;
        Ok(found(self.json::<IgnoredAny>(request).await)?.is_some())
    }

    /// Ends a recording and keeps it: `POST /recordings/live/{name}/stop`.
    pub async fn stop_recording(&self, name: &str) -> Result<Gone, AriError> {
        self.end(RestRequest::new(
            "POST /recordings/live/{name}/stop",
            &[name],
        )?)
        .await
    }

    /// Hangs a channel up: `DELETE /channels/{id}`.
    pub async fn hangup(
        &self,
        channel: &str,
        reason: Option<HangupReason>,
    ) -> Result<Gone, AriError> {
        let request = RestRequest::new("DELETE /channels/{id}", &[channel])?
            .query_if("reason", reason.map(HangupReason::word));
        self.end(request).await
    }

    /// Plays music on hold: `POST /channels/{id}/moh`. `None` is the default class.
    pub async fn moh_start(&self, channel: &str, class: Option<&str>) -> Result<(), AriError> {
        let request =
            RestRequest::new("POST /channels/{id}/moh", &[channel])?.query_if("mohClass", class);
        self.run(request).await
    }

    /// Ends music on hold: `DELETE /channels/{id}/moh`. [`Gone::Already`] where the channel
    /// is gone.
    pub async fn moh_stop(&self, channel: &str) -> Result<Gone, AriError> {
        self.end(RestRequest::new("DELETE /channels/{id}/moh", &[channel])?)
            .await
    }

    /// All channels of this Asterisk, strangers' among them: `GET /channels`.
    pub async fn channels(&self) -> Result<Vec<ChannelInfo>, AriError> {
        self.json(RestRequest::new("GET /channels", &[])?).await
    }

    /// One channel, if it lives: `GET /channels/{id}`.
    pub async fn channel(&self, channel: &str) -> Result<Option<ChannelInfo>, AriError> {
        found(
            self.json(RestRequest::new("GET /channels/{id}", &[channel])?)
                .await,
        )
    }

    /// How a channel sounds: `GET /channels/{id}/rtp_statistics`. `None` where there is
    /// nothing to count: the channel is gone, has no sound before early media or the answer
    /// (404 "RTP info not found"), or is none of SIP (403 "Unsupported channel type").
    pub async fn rtp_statistics(&self, channel: &str) -> Result<Option<RtpStatistics>, AriError> {
        let request = RestRequest::new("GET /channels/{id}/rtp_statistics", &[channel])?;
        match self.json(request).await {
            Err(AriError::Refused { status: 403, .. }) => Ok(None),
            other => found(other),
        }
    }

    /// Makes a mixing bridge: `POST /bridges/{id}`. The id must be unique: with a reused one
    /// some versions crash.
    pub async fn create_bridge(&self, bridge: &str, name: &str) -> Result<(), AriError> {
        let request = RestRequest::new("POST /bridges/{id}", &[bridge])?
            .query("type", "mixing")
            .query("name", name);
        self.run(request).await
    }

    /// Puts a channel into a bridge: `POST /bridges/{id}/addChannel`.
    ///
    /// Always with `inhibitConnectedLineUpdates`: else the other leg's connected line is
    /// overwritten with our own caller ID, and the agent sees our number instead of the
    /// customer's (measured).
    pub async fn add_channel(&self, bridge: &str, channel: &str) -> Result<(), AriError> {
        let request = RestRequest::new("POST /bridges/{id}/addChannel", &[bridge])?
            .query("channel", channel)
            .query("inhibitConnectedLineUpdates", "true");
        self.run(request).await
    }

    /// Deletes a bridge: `DELETE /bridges/{id}`.
    ///
    /// A bridge that is being taken apart has left its application, but Asterisk still knows
    /// its id for a moment and answers 409, "Bridge not in Stasis application" (measured).
    /// It is as good as gone.
    pub async fn destroy_bridge(&self, bridge: &str) -> Result<Gone, AriError> {
        let ended = self
            .end(RestRequest::new("DELETE /bridges/{id}", &[bridge])?)
            .await;
        match ended {
            Err(AriError::Refused { status: 409, .. }) => Ok(Gone::Already),
            other => other,
        }
    }

    /// All bridges of this Asterisk: `GET /bridges`.
    pub async fn bridges(&self) -> Result<Vec<Bridge>, AriError> {
        self.json(RestRequest::new("GET /bridges", &[])?).await
    }

    /// One bridge, if there is one: `GET /bridges/{id}`.
    pub async fn bridge(&self, bridge: &str) -> Result<Option<Bridge>, AriError> {
        found(
            self.json(RestRequest::new("GET /bridges/{id}", &[bridge])?)
                .await,
        )
    }
}

/// The JSON body that sets channel variables.
fn variables(pairs: &[(String, String)]) -> Value {
    let map: Map<String, Value> = pairs
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(value.clone())))
        .collect();
    json!({ "variables": map })
}
