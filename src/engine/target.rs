//! Whether there is somebody to connect people to: asked before anybody is dialed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{Engine, Message};
use crate::config::Settings;

/// How long the end of the process waits for a question to be answered.
const QUESTION_AT_EXIT: Duration = Duration::from_secs(5);

/// Tells what is wrong with the target of these settings, if anything is known to be.
pub(super) type TargetCheck =
    Arc<dyn Fn(Arc<Settings>) -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// Asks Asterisk, as `dialdeck check` does.
pub(super) fn ask_asterisk() -> TargetCheck {
    Arc::new(|settings| async move { crate::check::target_fault(&settings).await }.boxed())
}

impl Engine {
    /// Whether the target that holds now is there, as far as Asterisk tells.
    pub(super) fn ask_for_target(&self) -> BoxFuture<'static, Option<String>> {
        let asked = (self.target_check)(self.in_force.borrow().clone());
        let asking = self.target_questions.subscribe();
        async move {
            let fault = asked.await;
            drop(asking);
            fault
        }
        .boxed()
    }

    /// Comes back when no question is asked any more, whose channel would stay for a while.
    pub(super) async fn until_questions_are_asked(questions: &watch::Sender<()>) {
        let _ = tokio::time::timeout(QUESTION_AT_EXIT, questions.closed()).await;
    }

    /// Asks about the target while calls may be placed: it is another one now, or was missing.
    pub(super) fn look_for_target(&self) {
        let asked = self.ask_for_target();
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let _ = inbox.send(Message::Target(asked.await));
        });
    }

    pub(super) fn target_found(&mut self, fault: Option<String>) {
        if let Some(why) = &fault {
            self.pace.change();
            self.campaign.pause_for(self.clock.now(), why);
        }
        self.target_fault = fault;
    }
}
