//! Requests and answers of the REST interface, apart from any transport.

use serde_json::{Value, json};

/// The verb of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// DELETE
    Delete,
}

/// A request below `/ari`, with everything decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// The path's parts: `["channels", "some/id"]`.
    pub path: Vec<String>,
    /// The query's parameters.
    pub query: Vec<(String, String)>,
    /// The body, `Null` where there is none.
    pub body: Value,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// What stands in it.
    pub body: Body,
}

/// The body of a [`Response`].
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// A WAV file.
    Wav(Vec<u8>),
}

/// An answer other than the one that was hoped for, as `Err` so that `?` ends a handler.
pub(super) type Answer = Result<Response, Response>;

impl Request {
    /// The query's parameter `name`; an empty one counts as missing, as in Asterisk.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let (_, value) = self.query.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// The channel variable `name` in the body's `variables`.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.body.get("variables")?.get(name)?.as_str()
    }
}

impl Response {
    /// 200 with `body`.
    pub(super) fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Body::Json(body),
        }
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self {
            status: 204,
            body: Body::Empty,
        }
    }

    /// An error as most of Asterisk's handlers word it.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self {
            status,
            body: Body::Json(json!({ "message": message })),
        }
    }

    /// The one error that Asterisk words in another field.
    pub(super) fn allocation_failed() -> Self {
        Self {
            status: 500,
            body: Body::Json(json!({ "error": "Allocation failed" })),
        }
    }
}
