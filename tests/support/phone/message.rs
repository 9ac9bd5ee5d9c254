//! SIP as text: reading a message, and making one.

use std::fmt::Write as _;

/// A request or a response.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// `INVITE sip:… SIP/2.0` or `SIP/2.0 200 OK`.
    pub(super) start: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Message {
    pub(super) fn new(start: impl Into<String>) -> Self {
        Self {
            start: start.into(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.split("\r\n");
        let mut message = Self::new(lines.next()?);
        for line in lines {
            let (name, value) = line.split_once(':')?;
            // It is written anew whenever the message is.
            if !name.eq_ignore_ascii_case("Content-Length") {
                message = message.with(name.trim(), value.trim());
            }
        }
        body.clone_into(&mut message.body);
        Some(message)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn with_sdp(self, sdp: String) -> Self {
        let mut message = self.with("Content-Type", "application/sdp");
        message.body = sdp;
        message
    }

    /// The first header of this name, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let named = headers.find(|(n, _)| n.eq_ignore_ascii_case(name));
        named.map_or("", |(_, value)| value)
    }

    /// The status of a response, `None` of a request.
    pub(super) fn status(&self) -> Option<u16> {
        let rest = self.start.strip_prefix("SIP/2.0 ")?;
        rest.get(..3)?.parse().ok()
    }

    /// The method of a request, or of the request that a response answers.
    pub(super) fn method(&self) -> &str {
        match self.status() {
            Some(_) => self.header("CSeq").rsplit(' ').next().unwrap_or_default(),
            None => self.start.split(' ').next().unwrap_or_default(),
        }
    }

    /// As the witness has it: `INVITE`, `180 INVITE`, and of a NOTIFY what it tells.
    pub(super) fn summary(&self) -> String {
        match self.status() {
            Some(status) => format!("{status} {}", self.method()),
            None if self.method() == "NOTIFY" => format!("NOTIFY {}", self.body.trim()),
            None => self.method().to_owned(),
        }
    }

    /// The beginning of a response to this request.
    pub(super) fn response(&self, status: u16, reason: &str, tag: &str) -> Self {
        let mut response = Self::new(format!("SIP/2.0 {status} {reason}"));
        for name in ["Via", "Record-Route", "From"] {
            let all = self.headers.iter();
            for (name, value) in all.filter(|(n, _)| n.eq_ignore_ascii_case(name)) {
                response = response.with(name, value);
            }
        }
        let to = self.header("To");
        let to = if to.contains(";tag=") || status == 100 {
            to.to_owned()
        } else {
            format!("{to};tag={tag}")
        };
        let response = response.with("To", to);
        let response = response.with("Call-ID", self.header("Call-ID"));
        response.with("CSeq", self.header("CSeq"))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let _ = write!(text, "Content-Length: {}\r\n\r\n", self.body.len());
        text.push_str(&self.body);
        text.into_bytes()
    }
}

/// `user` of the first `sip:user@host` in `text`.
pub(super) fn user(text: &str) -> &str {
    let rest = text.split_once("sip:").map_or("", |(_, rest)| rest);
    let end = rest.find(['@', '>', ';']).unwrap_or(rest.len());
    if rest[end..].starts_with('@') {
        &rest[..end]
    } else {
        ""
    }
}

/// What stands between `<` and `>`.
pub(super) fn uri(text: &str) -> &str {
    let inner = text.split_once('<').map_or(text, |(_, rest)| rest);
    inner.split(['>', ' ']).next().unwrap_or_default()
}

pub(super) fn tag(text: &str) -> &str {
    let rest = text.split_once(";tag=").map_or("", |(_, rest)| rest);
    rest.split(';').next().unwrap_or_default()
}

/// What a phone sends with a status, where the script names no other reason.
pub(super) const fn reason(status: u16) -> &'static str {
    match status {
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        183 => "Session Progress",
        200 => "OK",
        302 => "Moved Temporarily",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        503 => "Service Unavailable",
        513 => "Message Too Large",
        603 => "Decline",
        _ => "As Scripted",
    }
}
