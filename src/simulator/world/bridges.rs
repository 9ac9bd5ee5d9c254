//! Bridges, and who is in them.

use serde_json::json;

use super::apps::About;
use super::channel::{Bridge, Hold};
use super::message::{Answer, Method, Request, Response};
use super::{World, list, no_resource, wrong_method};

impl World {
    pub(super) fn route_bridges(&mut self, path: &[&str], request: &Request) -> Answer {
        use Method::{Delete, Get, Post};
        match (path, request.method) {
            ([], Get) => Ok(Response::ok(list(self.bridges.values().map(Bridge::json)))),
            ([], Post) => self.create_bridge(request.param("bridgeId"), request),
            ([id], Post) => self.create_bridge(Some(id), request),
            ([id], Get) => self.bridge(id).map(|b| Response::ok(b.json())),
            ([id], Delete) => self.delete_bridge(id),
            ([id, "addChannel"], Post) => self.add_channels(id, request),
            ([id, "removeChannel"], Post) => self.remove_channels(id, request),
            ([] | [_] | [_, "addChannel" | "removeChannel"], _) => Err(wrong_method()),
            _ => Err(no_resource()),
        }
    }

    fn bridge(&self, id: &str) -> Result<&Bridge, Response> {
        self.bridges
            .get(id)
            .ok_or_else(|| Response::error(404, "Bridge not found"))
    }

    fn create_bridge(&mut self, id: Option<&str>, request: &Request) -> Answer {
        let id = id.map_or_else(|| self.unique_id(), ToOwned::to_owned);
        if self.bridges.contains_key(&id) {
            let text = format!("Bridge with id '{id}' already exists");
            return Err(Response::error(409, &text));
        }
        let bridge = Bridge {
            id: id.clone(),
            name: request.param("name").unwrap_or_default().to_owned(),
            created: self.now,
            channels: Vec::new(),
        };
        let json = bridge.json();
        self.emit(
            About::bridge(&id),
            &json!({ "type": "BridgeCreated", "bridge": json }),
        );
        self.bridges.insert(id, bridge);
        Ok(Response::ok(json))
    }

    /// Takes a bridge down. Those in it leave, and of a bridge that had somebody in it
    /// nobody hears that it is gone.
    fn delete_bridge(&mut self, id: &str) -> Answer {
        let members = self.bridge(id)?.channels.clone();
        for channel in &members {
            self.leave_bridge(channel);
        }
        if let Some(bridge) = self.bridges.remove(id)
            && members.is_empty()
        {
            let event = json!({ "type": "BridgeDestroyed", "bridge": bridge.json() });
            self.emit(About::bridge(id), &event);
        }
        self.unsubscribe(id);
        Ok(Response::no_content())
    }

    fn add_channels(&mut self, id: &str, request: &Request) -> Answer {
        self.bridge(id)?;
        let channels = self.named_channels(request)?;
        for channel in &channels {
            if self.channels[channel].recording.is_some() {
                let text = format!("Channel {channel} currently recording");
                return Err(Response::error(409, &text));
            }
        }
        for channel in &channels {
            self.enter_bridge(channel, id);
        }
        Ok(Response::no_content())
    }

    fn remove_channels(&mut self, id: &str, request: &Request) -> Answer {
        self.bridge(id)?;
        let channels = self.named_channels(request)?;
        for channel in &channels {
            if self.channels[channel].bridge.as_deref() != Some(id) {
                return Err(Response::error(422, "Channel not in this bridge"));
            }
        }
        for channel in &channels {
            self.leave_bridge(channel);
        }
        Ok(Response::no_content())
    }

    /// The channels that `request` names, divided by commas: all there and in Stasis.
    fn named_channels(&self, request: &Request) -> Result<Vec<String>, Response> {
        let names = request
            .param("channel")
            .ok_or_else(|| Response::error(400, "Missing parameter channel"))?;
        names
            .split(',')
            .map(|name| match self.controlled(name) {
                Ok(channel) => Ok(channel.id.clone()),
                Err(refusal) if refusal.status == 404 => {
                    Err(Response::error(400, "Channel not found"))
                }
                Err(_) => Err(Response::error(422, "Channel not in Stasis application")),
            })
            .collect()
    }

    pub(super) fn enter_bridge(&mut self, channel: &str, bridge: &str) {
        let leg = &self.channels[channel];
        if leg.bridge.as_deref() == Some(bridge) || leg.hold == Hold::Kept {
            return;
        }
        self.leave_bridge(channel);
        let (Some(leg), Some(room)) =
            (self.channels.get_mut(channel), self.bridges.get_mut(bridge))
        else {
            return;
        };
        leg.bridge = Some(bridge.to_owned());
        room.channels.push(channel.to_owned());
        let event = json!({
            "type": "ChannelEnteredBridge",
            "bridge": room.json(),
            "channel": leg.json(),
        });
        let app = leg.app.clone();
        self.subscribe_bridge(&app, bridge);
        self.tell_of_both(channel, bridge, &event);
        self.listen();
    }

    /// Takes `channel` out of its bridge, if it is in one.
    pub(super) fn leave_bridge(&mut self, channel: &str) {
        let Some(leg) = self.channels.get_mut(channel) else {
            return;
        };
        let Some(bridge) = leg.bridge.take() else {
            return;
        };
        let Some(room) = self.bridges.get_mut(&bridge) else {
            return;
        };
        room.channels.retain(|id| id != channel);
        let event = json!({
            "type": "ChannelLeftBridge",
            "bridge": room.json(),
            "channel": leg.json(),
        });
        self.tell_of_both(channel, &bridge, &event);
        self.listen();
    }

    fn tell_of_both(&mut self, channel: &str, bridge: &str, event: &serde_json::Value) {
        let about = About {
            channel: Some(channel),
            bridge: Some(bridge),
            caller: None,
        };
        self.emit(about, event);
    }
}
