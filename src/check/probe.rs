//! What only a channel can be asked. It belongs to an application of the check's own, is never
//! dialed, and ends by itself where the check is killed.

use std::time::Duration;

use super::asterisk::refusal;
use super::report::{Finding, Level};
use crate::ari::link::Listener;
use crate::ari::{AriError, Client, ConnectionError};
use crate::config::Settings;

/// When the channel ends, if nobody ends it before.
const LIFE_SECONDS: u32 = 15;
/// How long Asterisk may take to end it.
const ENDING: Duration = Duration::from_secs(1);
/// How many checks may run side by side. Asterisk remembers the name of a check that was
/// killed until a later one of that name ends, so there are not many.
const NAMES: u32 = 16;

/// The channel, and the application that it lives in.
pub(super) struct Probe {
    client: Result<Client, ConnectionError>,
    channel: String,
    listener: Option<Listener>,
    /// From here on there may be a channel to end.
    asked: bool,
}

impl Probe {
    /// For a check, or for an engine that asks about its target: `what` is part of the name.
    pub(super) fn new(settings: &Settings, what: &str) -> Self {
        let name = format!("dialdeck-{what}-{}", std::process::id() % NAMES);
        let mut connection = super::connection(settings);
        connection.app.clone_from(&name);
        Self {
            client: Client::new(&connection),
            channel: format!("{name}-{}", uuid::Uuid::new_v4().simple()),
            listener: None,
            asked: false,
        }
    }

    /// Whether this user may do more than read, whether the target is there, the format known,
    /// and the trunk with an address to dial.
    pub(super) async fn ask(&mut self, settings: &Settings) -> Vec<Finding> {
        let client = match self.open().await {
            Ok(client) => client,
            Err(why) => {
                let mut findings = vec![why];
                for check in ["trunk", "transfers", "refusals", "target", "format"] {
                    findings.push(Finding::not_checked(check, "see permissions"));
                }
                return findings;
            }
        };
        let questions = Questions {
            client: &client,
            channel: &self.channel,
        };
        let (trunk, transfers, refusals, target, format) = tokio::join!(
            questions.trunk(&settings.call.trunk),
            questions.transfers(&settings.call.trunk),
            questions.refusals(),
            questions.target(&settings.call.target.endpoint),
            questions.format(&settings.call.recordings.format),
        );
        let may = Finding::ok("permissions", "this user may place calls");
        vec![may, trunk, transfers, refusals, target, format]
    }

    /// What is wrong with the target, where Asterisk tells.
    pub(super) async fn ask_target(&mut self, settings: &Settings) -> Option<Finding> {
        let client = self.open().await.ok()?;
        let questions = Questions {
            client: &client,
            channel: &self.channel,
        };
        let found = questions
            .find_target(&settings.call.target.endpoint)
            .await
            .ok()?;
        (found.level == Level::Fault).then_some(found)
    }

    async fn open(&mut self) -> Result<Client, Finding> {
        let client = self
            .client
            .clone()
            .map_err(|e| Finding::refused("permissions", &e.to_string()))?;
        let listener = Listener::open(&client)
            .await
            .map_err(|e| Finding::refused("permissions", &e.to_string()))?;
        self.listener = Some(listener);
        self.asked = true;
        client
            .create_probe(&self.channel, LIFE_SECONDS)
            .await
            .map_err(|e| refusal("permissions", &e))?;
        Ok(client)
    }

    /// Ends the channel and leaves the application, in this order: so nothing of it stays.
    pub(super) async fn close(self) {
        if let (true, Ok(client)) = (self.asked, &self.client) {
            let _ = tokio::time::timeout(ENDING, client.end_probe(&self.channel)).await;
        }
        if let Some(listener) = self.listener {
            listener.close().await;
        }
    }
}

pub(super) struct Questions<'a> {
    client: &'a Client,
    channel: &'a str,
}

impl Questions<'_> {
    pub(super) async fn value(&self, expression: &str) -> Result<String, AriError> {
        let value = self.client.variable(self.channel, expression).await?;
        Ok(value.unwrap_or_default())
    }

    async fn trunk(&self, trunk: &str) -> Finding {
        match self.client.endpoint("PJSIP", trunk).await {
            Err(error) => return refusal("trunk", &error),
            Ok(None) => {
                return Finding::fault(
                    "trunk",
                    format!("Asterisk has no PJSIP endpoint {trunk}"),
                    "set ARI_TRUNK to one of `pjsip show endpoints`, or add it to pjsip.conf and reload",
                );
            }
            Ok(Some(_)) => {}
        }
        match self.value(&format!("PJSIP_DIAL_CONTACTS({trunk})")).await {
            Ok(contacts) if contacts.is_empty() => self.unreachable(trunk).await,
            Ok(contacts) => {
                let to = contacts.rsplit('/').next().unwrap_or_default();
                Finding::ok("trunk", format!("{trunk} is there and dials {to}"))
            }
            Err(error) if is_unknown(&error) => Finding::warning(
                "trunk",
                format!("{trunk} is there; whether it has an address cannot be asked"),
                "load func_pjsip_endpoint.so and res_pjsip.so in modules.conf",
            ),
            Err(error) => refusal("trunk", &error),
        }
    }

    /// Asterisk leaves out what it knows to be away, so there may be an address all the same.
    async fn unreachable(&self, trunk: &str) -> Finding {
        let aors = self.value(&format!("PJSIP_ENDPOINT({trunk},aors)")).await;
        let aor = aors.ok().filter(|aors| !aors.is_empty());
        let contact = match &aor {
            Some(aor) => self.value(&format!("PJSIP_AOR({aor},contact)")).await,
            None => Ok(String::new()),
        };
        if contact.is_ok_and(|contact| !contact.is_empty()) {
            return Finding::fault(
                "trunk",
                format!("{trunk} does not answer Asterisk's OPTIONS"),
                "check the carrier's address in pjsip.conf (contact=), the login, and the network to it; `pjsip show contacts` tells more",
            );
        }
        Finding::fault(
            "trunk",
            format!("{trunk} has no address to dial"),
            "give it an aor with contact=sip:CARRIER in pjsip.conf, or check the carrier's registration",
        )
    }

    /// Whether a 603 of an analytics service can be told from that of a person.
    async fn refusals(&self) -> Finding {
        match self.client.tells_sip_answers(self.channel).await {
            Ok(true) => Finding::ok(
                "refusals",
                "Asterisk tells with which words a carrier refuses",
            ),
            Ok(false) => Finding::warning(
                "refusals",
                "Asterisk does not tell with which words a carrier refuses: a call that an \
                 analytics service blocked with 603 counts as rejected",
                "copy the line channelvars= of asterisk_conf/ari.conf into [general] of ari.conf, \
                 and `module reload res_ari.so`",
            ),
            Err(error) => refusal("refusals", &error),
        }
    }

    async fn target(&self, endpoint: &str) -> Finding {
        let found = self.find_target(endpoint).await;
        found.unwrap_or_else(|error| refusal("target", &error))
    }

    async fn find_target(&self, endpoint: &str) -> Result<Finding, AriError> {
        match endpoint.split_once('/') {
            Some((tech, rest)) if tech.eq_ignore_ascii_case("local") => self.local(rest).await,
            Some((tech, rest)) => self.phone(tech, rest).await,
            None => Ok(Finding::fault(
                "target",
                format!("{endpoint} is no endpoint"),
                "set TARGET_ENDPOINT to one such as Local/777@default",
            )),
        }
    }

    /// Asks the dialplan, and rings nobody.
    async fn local(&self, resource: &str) -> Result<Finding, AriError> {
        let place = resource.split('/').next().unwrap_or_default();
        let (exten, context) = place.split_once('@').unwrap_or((place, "default"));
        // What has a comma or a bracket would be asked for as something else.
        if [exten, context].iter().any(|part| !is_plain(part)) {
            return Ok(Finding::warning(
                "target",
                format!("Local/{resource} cannot be looked up in the dialplan"),
                "check it with `dialplan show` on Asterisk's console",
            ));
        }
        let exists = format!("DIALPLAN_EXISTS({context},{exten},1)");
        match self.value(&exists).await {
            Ok(exists) if exists == "1" => {
                let fact = format!("{exten} is in the context {context}");
                Ok(Finding::ok("target", fact))
            }
            Ok(_) => Ok(self.missing(exten, context).await),
            Err(error) if is_unknown(&error) => Ok(Finding::warning(
                "target",
                "Asterisk cannot be asked about its dialplan",
                "load func_dialplan.so in modules.conf",
            )),
            Err(error) => Err(error),
        }
    }

    async fn missing(&self, exten: &str, context: &str) -> Finding {
        let context_there = self.value(&format!("DIALPLAN_EXISTS({context})")).await;
        if context_there.as_deref() == Ok("1") {
            return Finding::fault(
                "target",
                format!("the context {context} has no extension {exten}"),
                "add it to extensions.conf and `dialplan reload`, or set TARGET_EXTENSION to one that is there",
            );
        }
        Finding::fault(
            "target",
            format!("Asterisk's dialplan has no context {context}"),
            "set TARGET_CONTEXT to one of `dialplan show`, or add it to extensions.conf and `dialplan reload`",
        )
    }

    async fn phone(&self, tech: &str, rest: &str) -> Result<Finding, AriError> {
        // `PJSIP/number@trunk` goes through an endpoint, `PJSIP/100` is one.
        let name = rest.rsplit('@').next().unwrap_or(rest);
        let name = name.split('/').next().unwrap_or(name);
        Ok(match self.client.endpoint(tech, name).await? {
            Some(found) if found.state.as_deref() == Some("offline") => Finding::warning(
                "target",
                format!("{tech}/{name} is offline"),
                "have it log in before you start, or whoever answers is hung up",
            ),
            Some(_) => Finding::ok("target", format!("{tech}/{name} is there")),
            None => Finding::fault(
                "target",
                format!("Asterisk has no endpoint {tech}/{name}"),
                "set TARGET_ENDPOINT to one that is there, or to an extension such as Local/777@default",
            ),
        })
    }

    async fn format(&self, format: &str) -> Finding {
        match self.client.knows_format(self.channel, format).await {
            Ok(true) => Finding::ok("format", format!("Asterisk records in {format}")),
            Ok(false) => Finding::fault(
                "format",
                format!("Asterisk knows no format {format}"),
                "set RECORDING_FORMAT to one of `core show file formats`, such as wav",
            ),
            Err(error) => refusal("format", &error),
        }
    }
}

fn is_plain(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-+*#!".contains(c);
    !part.is_empty() && part.chars().all(plain)
}

/// A function that this Asterisk does not have: "Unable to read provided function".
fn is_unknown(error: &AriError) -> bool {
    error.status() == Some(500)
}
