//! Asterisk itself, Stasis applications, endpoints, dialplan functions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Client, RestRequest, found};
use crate::ari::error::AriError;
use crate::ari::model::{Application, Endpoint, Info};

/// Something an application can hear of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventSource {
    /// A channel, by id.
    Channel(String),
    /// A bridge, by id.
    Bridge(String),
    /// An endpoint: technology and name.
    Endpoint(String, String),
}

impl EventSource {
    fn uri(&self) -> String {
        match self {
            Self::Channel(id) => format!("channel:{id}"),
            Self::Bridge(id) => format!("bridge:{id}"),
            Self::Endpoint(tech, resource) => format!("endpoint:{tech}/{resource}"),
        }
    }
}

#[derive(Deserialize)]
struct Variable {
    value: String,
}

impl Client {
    /// Which Asterisk this is: `GET /asterisk/info`. The cheapest proof of a good login.
    pub async fn info(&self) -> Result<Info, AriError> {
        self.json(RestRequest::new("GET /asterisk/info", &[])?)
            .await
    }

    /// A Stasis application, if anybody ever used it: `GET /applications/{app}`.
    pub async fn application(&self, app: &str) -> Result<Option<Application>, AriError> {
        found(
            self.json(RestRequest::new("GET /applications/{app}", &[app])?)
                .await,
        )
    }

    /// Lets an application hear of something: `POST /applications/{app}/subscription`.
    /// Where the source does not exist it is refused with 422.
    pub async fn subscribe(
        &self,
        app: &str,
        source: &EventSource,
    ) -> Result<Application, AriError> {
        let request = RestRequest::new("POST /applications/{app}/subscription", &[app])?
            .query("eventSource", source.uri());
        self.json(request).await
    }

    /// The opposite: `DELETE /applications/{app}/subscription`. Asterisk counts what was
    /// subscribed, so it may take several to get rid of one.
    pub async fn unsubscribe(
        &self,
        app: &str,
        source: &EventSource,
    ) -> Result<Application, AriError> {
        let request = RestRequest::new("DELETE /applications/{app}/subscription", &[app])?
            .query("eventSource", source.uri());
        self.json(request).await
    }

    /// Switches kinds of events off: `PUT /applications/{app}/eventFilter`. Replaces what
    /// was set before. The application must exist: somebody must be connected.
    pub async fn set_event_filter(&self, app: &str, disallowed: &[&str]) -> Result<(), AriError> {
        let types: Vec<Value> = disallowed.iter().map(|t| json!({ "type": t })).collect();
        let request = RestRequest::new("PUT /applications/{app}/eventFilter", &[app])?
            .body(json!({ "disallowed": types }));
        self.run(request).await
    }

    /// An endpoint, if there is one: `GET /endpoints/{tech}/{resource}`.
    pub async fn endpoint(&self, tech: &str, resource: &str) -> Result<Option<Endpoint>, AriError> {
        let request = RestRequest::new("GET /endpoints/{tech}/{resource}", &[tech, resource])?;
        found(self.json(request).await)
    }

    /// A variable or dialplan function, evaluated on a channel:
    /// `GET /channels/{id}/variable`. `None` where it is not set; a channel that is gone is
    /// refused with 404. (The global `GET /asterisk/variable` does not evaluate functions.)
    pub async fn variable(
        &self,
        channel: &str,
        expression: &str,
    ) -> Result<Option<String>, AriError> {
        let request = RestRequest::new("GET /channels/{id}/variable", &[channel])?
            .query("variable", expression);
        match self.json::<Variable>(request).await {
            Ok(variable) => Ok(Some(variable.value)),
            // Both are 404; only the words tell a missing variable from a missing channel.
            Err(AriError::Refused {
                status: 404,
                message,
                ..
            }) if message.contains("variable") => Ok(None),
            Err(error) => Err(error),
        }
    }
}
