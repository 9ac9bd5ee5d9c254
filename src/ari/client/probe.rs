//! Questions that only a channel can be asked, on one that is never dialed and that ends by
//! itself.

use std::time::Duration;

use serde_json::json;

use super::{Client, Request};
use crate::ari::error::AriError;

/// Leads nowhere, which matters to nobody: it is never dialed.
const NOWHERE: &str = "Local/dialdeck-check@dialdeck-check";
/// Between two questions of the same.
const AGAIN: Duration = Duration::from_millis(20);

impl Client {
    /// Makes a channel to ask: `POST /channels/create`. Somebody must be connected to the
    /// application ([`crate::ari::link::Listener`]), or it ends at once. It ends by itself
    /// after `seconds`, even if whoever made it is gone (measured on 22.10.1).
    pub async fn create_probe(&self, channel: &str, seconds: u32) -> Result<(), AriError> {
        let request = Request::new("POST /channels/create", &[])?
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
        let request = Request::new("POST /channels/{id}/move", &[channel])?.query("app", app);
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
    pub async fn knows_format(&self, channel: &str, format: &str) -> Result<bool, AriError> {
        let request = Request::new("POST /channels/{id}/record", &[channel])?
            .query("name", "")
            .query("format", format);
        match self.run(request).await {
            Err(AriError::Refused { status: 422, .. }) => Ok(false),
            Ok(())
            | Err(AriError::Refused {
                status: 400 | 500, ..
            }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The time by Asterisk's clock, in whole seconds since 1970.
    pub async fn epoch(&self) -> Result<Option<u64>, AriError> {
        #[derive(serde::Deserialize)]
        struct Variable {
            value: String,
        }
        let request = Request::new("GET /asterisk/variable", &[])?.query("variable", "EPOCH");
        let variable: Variable = self.json(request).await?;
        Ok(variable.value.parse().ok())
    }
}
