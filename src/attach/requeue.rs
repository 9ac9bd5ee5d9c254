//! One command to an engine in another process, without a console.

use serde_json::Value;

use super::{COMMAND, Place, said};
use crate::campaign::Outcome;

impl Place {
    /// `POST /api/v1/requeue` with `body`: a sentence either way.
    pub async fn requeue(&self, body: &Value) -> Outcome {
        let request = self.post("/api/v1/requeue").json(body);
        let answer = request.timeout(COMMAND).send().await.map_err(|error| {
            if error.is_connect() {
                return self.unreachable(&error);
            }
            let why = Self::why(&error);
            format!("no answer came, and it may have been done all the same: {why}")
        })?;
        let done = answer.status().is_success();
        let body: Value = answer.json().await.unwrap_or_default();
        let said = said(&body);
        if done { Ok(said) } else { Err(said) }
    }
}
