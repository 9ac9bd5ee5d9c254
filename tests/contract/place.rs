//! Where a script is played: an Asterisk's REST interface and what dials into it.

/// One ARI to play scripts to.
#[derive(Clone)]
pub(crate) struct Place {
    /// Who it is, for the diff: `lab` or `simulator`.
    pub(crate) name: &'static str,
    /// `host:port` of the HTTP server.
    pub(crate) addr: String,
    pub(crate) username: String,
    pub(crate) password: String,
    /// The trunk's endpoint name in PJSIP.
    pub(crate) trunk: String,
}

impl Place {
    /// The address of `path` below `/ari`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/ari{path}", self.addr)
    }
}
