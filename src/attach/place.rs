//! Where an engine's control API is, and how it is spoken to.

use std::time::Duration;

use reqwest::RequestBuilder;
use rustls::pki_types::CertificateDer;
use url::Url;

use crate::ari::{self, ConnectionError, TlsTrouble};
use crate::config::{Secret, shown_url};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(4);

/// The control API of an engine in another process.
#[derive(Debug)]
pub struct Place {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    token: Option<Secret>,
}

/// Why an address is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is no address of a control API.
    #[error("{given:?} is no address of a control API: {why}. It looks like http://127.0.0.1:3000")]
    Url {
        /// What was given, without what may be secret in it.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// HTTPS can't be spoken.
    #[error("HTTPS is not to be had: {0}; name the authority's file with --ca-file")]
    Tls(String),
}

impl Place {
    /// The API at `url`, which asks for `token` or for none. Where it is `https`, `ca` is
    /// trusted instead of the system's certificates.
    pub fn new(
        url: &str,
        token: Option<Secret>,
        ca: Option<&[CertificateDer<'static>]>,
    ) -> Result<Self, PlaceError> {
        let base = base(url)?;
        let tls = ari::tls_config(base.starts_with("https:"), ca).map_err(|error| match error {
            ConnectionError::Tls(why) => PlaceError::Tls(why),
            other => PlaceError::Tls(other.to_string()),
        })?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(ari::for_http(&tls))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(CONNECT)
            // The other side closes what is idle for ten seconds.
            .pool_idle_timeout(Duration::from_secs(5))
            .build()
            .map_err(|e| PlaceError::Tls(e.without_url().to_string()))?;
        Ok(Self { http, base, token })
    }

    /// The address, for people.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.base
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.authorized(self.http.get(format!("{}{path}", self.base)))
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.authorized(self.http.post(format!("{}{path}", self.base)))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    /// Why nobody is reached, for people.
    pub(super) fn unreachable(&self, error: &reqwest::Error) -> String {
        let trouble = match self.base.starts_with("https:") {
            true if error.is_timeout() => Some(TlsTrouble::Silent(CONNECT)),
            true => TlsTrouble::among_causes(error),
            false => None,
        };
        let address = self.address();
        if let Some(why) = trouble {
            let mend = why.mend_of_attach();
            return format!("no engine is reached at {address}, since {why}: {mend}");
        }
        let why = Self::why(error);
        format!("no engine is reached at {address}: {why}. Does one run there?")
    }

    /// What went wrong with a request, for people.
    pub(super) fn why(error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return "it took too long".to_owned();
        }
        ari::root_cause(error)
    }
}

fn base(url: &str) -> Result<String, PlaceError> {
    let parsed = Url::parse(url);
    // One that has a host may have a login beside it; any other may be meant as anything.
    let given = match parsed.as_ref().ok().and_then(Url::host_str) {
        Some(host) => host.chars().take(80).collect(),
        None => shown_url(url),
    };
    let wrong = |why| Err(PlaceError::Url { given, why });
    let Ok(parsed) = parsed else {
        return wrong("it can't be parsed");
    };
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return wrong("it must begin with http:// or https:// and name a host");
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return wrong("the token belongs into CONTROL_TOKEN");
    }
    if parsed.query().is_some() || parsed.fragment().is_some() || parsed.port() == Some(0) {
        return wrong("it must have a port other than 0 and no ? or # part");
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_refused_with_a_reason_and_no_secret() {
        let good = [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
            ("https://dial.example/one/", "https://dial.example/one"),
        ];
        for (url, expected) in good {
            assert_eq!(base(url).as_deref(), Ok(expected));
        }
        let bad = [
            ("127.0.0.1:3000", "parsed"),
            ("ftp://host", "http://"),
            ("http://me:s3cret@host", "CONTROL_TOKEN"),
            ("http://host/?token=s3cret", "? or #"),
            ("me:s3cret@host:3000", "http://"),
            ("http://me:s3cret@ho st", "parsed"),
            ("host:3000?token=s3cret", "http://"),
            ("http://127.0.0.1:0", "port"),
        ];
        for (url, expected) in bad {
            let said = base(url).expect_err("it is bad").to_string();
            assert!(said.contains(expected), "{url}: {said}");
            assert!(!said.contains("s3cret"), "{said}");
        }
    }
}
