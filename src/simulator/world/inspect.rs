//! What can be looked at: channel variables, endpoints, Asterisk itself.

use serde_json::{Value, json};

use super::channel::{Channel, written};
use super::message::{Answer, Method, Request, Response};
use super::{World, list, no_resource, wrong_method};

/// Of the range that is set aside for documentation.
pub(super) const ASTERISK_ID: &str = "00:00:5e:00:53:01";

const VERSION: &str = "22.10.1";

impl World {
    pub(super) fn variable(&self, id: &str, request: &Request) -> Answer {
        let name = request
            .param("variable")
            .ok_or_else(|| Response::error(400, "Variable name is required"))?;
        let missing = || Response::error(404, "Provided channel was not found");
        let channel = self.channels.get(id).ok_or_else(missing)?;
        let value = match name.strip_suffix(')').and_then(|n| n.split_once('(')) {
            None => return Err(Response::error(404, "Provided variable was not found")),
            Some((function, argument)) => self.function(channel, function, argument),
        };
        match value {
            Some(value) => Ok(Response::ok(json!({ "value": value }))),
            None => Err(Response::error(500, "Unable to read provided function")),
        }
    }

    /// The dialplan functions that a dialer asks.
    fn function(&self, channel: &Channel, function: &str, argument: &str) -> Option<String> {
        let scenario = &self.config.scenario;
        Some(match (function, argument) {
            ("DIALPLAN_EXISTS", place) => {
                let mut place = place.split(',');
                let (context, extension) = (place.next()?, place.next()?);
                let exists = scenario.has_target(&format!("{extension}@{context}"));
                u8::from(exists).to_string()
            }
            ("CHANNEL", "state") => channel.state.word().to_owned(),
            ("CALLERID", "num") => channel.caller.1.clone(),
            ("CALLERID", "name") => channel.caller.0.clone(),
            ("CONNECTEDLINE", "num") => channel.connected.1.clone(),
            ("CONNECTEDLINE", "name") => channel.connected.0.clone(),
            ("QUEUE_MEMBER", _) => "1".to_owned(),
            ("QUEUE_WAITING_COUNT", _) => "0".to_owned(),
            ("DEVICE_STATE", device) => match device.strip_prefix("PJSIP/") {
                Some(name) if self.has_endpoint(name) => "NOT_INUSE".to_owned(),
                _ => "INVALID".to_owned(),
            },
            ("PJSIP_DIAL_CONTACTS", name) if self.has_endpoint(name) => {
                format!("PJSIP/{name}/sip:{name}@127.0.0.1")
            }
            ("PJSIP_DIAL_CONTACTS", _) => String::new(),
            // The trunk is as in asterisk_conf/.
            ("PJSIP_ENDPOINT", setting) => match setting.split_once(',')? {
                (name, "allow_transfer") if name == self.config.trunk => "false".to_owned(),
                (name, "context") if name == self.config.trunk => "from-carrier".to_owned(),
                _ => return None,
            },
            _ => return None,
        })
    }

    pub(super) fn route_others(&self, path: &[&str], request: &Request) -> Answer {
        match (path, request.method) {
            (["asterisk", "info"], Method::Get) => Ok(Response::ok(self.info())),
            (["asterisk", "ping"], Method::Get) => Ok(Response::ok(json!({
                "ping": "pong",
                "timestamp": written(self.now),
                "asterisk_id": ASTERISK_ID,
            }))),
            (["endpoints"], Method::Get) => {
                let names = self.endpoints().into_iter();
                Ok(Response::ok(list(names.map(|name| self.endpoint(&name)))))
            }
            (["endpoints", "PJSIP", name], Method::Get) if self.has_endpoint(name) => {
                Ok(Response::ok(self.endpoint(name)))
            }
            (["endpoints", _, _], Method::Get) => Err(Response::error(404, "Endpoint not found")),
            (["asterisk", "info" | "ping"] | ["endpoints"] | ["endpoints", _, _], _) => {
                Err(wrong_method())
            }
            _ => Err(no_resource()),
        }
    }

    fn info(&self) -> Value {
        json!({
            "build": {
                "os": "Linux", "kernel": "0", "machine": "simulator",
                "options": "", "date": "2026-01-01 00:00:00 UTC", "user": "dialdeck",
            },
            "system": { "version": VERSION, "entity_id": ASTERISK_ID },
            "config": { "name": "dialdeck simulator", "default_language": "en" },
            "status": {
                "startup_time": written(self.started),
                "last_reload_time": written(self.started),
            },
        })
    }

    /// The trunk and the phones.
    fn endpoints(&self) -> Vec<String> {
        let targets = self.config.scenario.named_targets.keys();
        let phones = targets.filter(|name| !name.contains('@')).cloned();
        phones.chain([self.config.trunk.clone()]).collect()
    }

    fn has_endpoint(&self, name: &str) -> bool {
        self.endpoints().iter().any(|endpoint| endpoint == name)
    }

    fn endpoint(&self, name: &str) -> Value {
        let prefix = format!("PJSIP/{name}-");
        let channels = self.channels.values();
        let ids: Vec<&String> = channels
            .filter(|c| c.name.starts_with(&prefix))
            .map(|c| &c.id)
            .collect();
        json!({
            "technology": "PJSIP",
            "resource": name,
            "state": "online",
            "channel_ids": ids,
        })
    }
}
