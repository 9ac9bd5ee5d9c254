//! The MySQL copy: whether the first call could be written there.

use std::time::Duration;

use tokio::time::timeout;

use super::report::Finding;
use crate::config::Mysql;
use crate::mirror::{self, Outlook};

/// How long all of it may take: a lock on the table must not hold up the check.
const PATIENCE: Duration = Duration::from_secs(6);

pub(super) async fn examine(mysql: Option<&Mysql>) -> Finding {
    let Some(mysql) = mysql else {
        return Finding::ok("database", "not configured: MYSQL_HOST is not set");
    };
    let place = format!("{}:{}", mysql.host, mysql.port);
    let table = format!("{}.{}", mysql.database, mysql.table);
    match timeout(PATIENCE, mirror::examine(mysql)).await {
        Ok(Ok(Outlook::Fits)) => {
            Finding::ok("database", format!("{place} takes rows into {table}"))
        }
        Ok(Ok(Outlook::WouldBeMade)) => Finding::ok(
            "database",
            format!("{place} has no table {table} yet; the first start makes it"),
        ),
        Ok(Ok(Outlook::Narrow(why))) => {
            let (fact, mend) = parts(&why);
            Finding::warning("database", fact, mend)
        }
        Ok(Err(why)) => {
            let (fact, mend) = parts(&why);
            Finding::fault("database", fact, mend)
        }
        Err(_) => Finding::fault(
            "database",
            format!("{place} did not answer within {PATIENCE:?}"),
            "check MYSQL_HOST and MYSQL_PORT, the server's load, and SHOW PROCESSLIST for locks",
        ),
    }
}

/// What is, and the mend behind the first colon. The server's own words stand behind both, and
/// may have colons too.
fn parts(sentence: &str) -> (&str, &str) {
    let mend = "look at the server's log, and at the MYSQL_ settings";
    sentence.split_once(": ").unwrap_or((sentence, mend))
}
