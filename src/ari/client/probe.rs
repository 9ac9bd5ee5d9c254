//! Questions that only a channel can be asked, on one that is never dialed and that ends by
//! itself.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, RestRequest};
use crate::ari::error::AriError;

/// Between two questions of the same.
const AGAIN: Duration = Duration::from_millis(20);

/// Leads nowhere, which matters to nobody: it is never dialed.
const NOWHERE: &str = "Local/dialdeck-check@dialdeck-check";

impl Client {
    /// Makes a channel to ask: `POST /channels/create`. Somebody must be connected to the
    /// application ([`crate::ari::link::Listener`]), or it ends at once. It ends by itself
    /// after `seconds`, even if whoever made it is gone (measured on 22.10.1).
    pub async fn create_probe(&self, channel: &str, seconds: u32) -> Result<(), AriError> {
        let request = RestRequest::new("POST /channels/create", &[])?
            .query("endpoint", NOWHERE)
            .query("app", self.app())
            .query("channelId", channel)
            .query("otherChannelId", format!("{channel}-2"))
            .body(json!({ "variables": { "TIMEOUT(absolute)": seconds.to_string() } }));
        self.run(request).await
    }

    /// Has a channel leave our application for `app`: `POST /channels/{id}/move`. What becomes of
    /// it is told by an event. Asterisk 22.10.1 crashes where `app` is missing.
    pub async fn move_channel(&self, channel: &str, app: &str) -> Result<(), AriError> {
        let request = RestRequest::new("POST /channels/{id}/move", &[channel])?.query("app", app);
        self.run(request).await
    }

    /// Comes back when our application has no channel any more: while it has one, Asterisk keeps
    /// its name for good, also after everybody has left.
    pub async fn until_forgotten(&self) {
        while let Ok(Some(app)) = self.application(self.app()).await
            && !app.channel_ids.is_empty()
        {
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Whether Asterisk can record in `format`: `POST /channels/{id}/record` without a name.
    /// The format is looked at first (422 where it is unknown); the missing name then keeps
    /// anything from being recorded (500, measured on 22.10.1).
    ///
    /// A channel enters its application a moment after it was made, and until then Asterisk
    /// answers 409 (measured on a busy machine): it is asked again. Whoever asks has a limit for
    /// all of it.
    pub async fn knows_format(&self, channel: &str, format: &str) -> Result<bool, AriError> {
        loop {
            let request = RestRequest::new("POST /channels/{id}/record", &[channel])?
                .query("name", "")
                .query("format", format);
            match self.run(request).await {
                Err(AriError::Refused { status: 409, .. }) => tokio::time::sleep(AGAIN).await,
                Err(AriError::Refused { status: 422, .. }) => return Ok(false),
                Ok(())
                | Err(AriError::Refused {
                    status: 400 | 500, ..
                }) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether Asterisk tells the SIP answers on a channel with their words: `GET /channels/{id}`
    /// has a `channelvars` that asks for them, as `asterisk_conf/ari.conf` does.
    pub async fn tells_sip_answers(&self, channel: &str) -> Result<bool, AriError> {
        #[derive(serde::Deserialize)]
        struct ProbeChannel {
            #[serde(default)]
            channelvars: BTreeMap<String, Value>,
        }
        let request = RestRequest::new("GET /channels/{id}", &[channel])?;
        let channel: ProbeChannel = self.json(request).await?;
        let mut names = channel.channelvars.keys();
        Ok(names.any(|name| name.contains("HANGUPCAUSE")))
    }

    /// Ends such a channel, and comes back when the application has none any more: while it has
    /// one, Asterisk keeps its name for good, also after everybody has left. What can't be ended
    /// now ends by itself.
    pub async fn end_probe(&self, channel: &str) {
        if self.hangup(channel, None).await.is_err() {
            return;
        }
        self.until_forgotten().await;
    }

    /// The time by Asterisk's clock, in whole seconds since 1970.
    pub async fn epoch(&self) -> Result<Option<u64>, AriError> {
        #[derive(serde::Deserialize)]
        struct ProbeVariable {
            value: String,
        }
        let request = RestRequest::new("GET /asterisk/variable", &[])?.query("variable", "EPOCH");
        let variable: ProbeVariable = self.json(request).await?;
        Ok(variable.value.parse().ok())
    }
}
